// Exact inference for a small decision problem: the same recursions as
// cs_infer.messages and cs_infer.sampling, in the same order, in log space.
// tests/test_explorer.py holds the two together. No drawing here.
//
// A problem is { transition[s][a][s'], reward[s][a] or reward[t][s][a],
// initial[s], actionPrior[s][a], horizon, temperature }.
// A classic script, not a module, so that a page opened from a disk can load it.
"use strict";

(function (root) {
  const sum = (xs) => xs.reduce((total, x) => total + x, 0);
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const over = (T, f) => range(T).map(f);

  // log sum exp, shifted by the largest term of this very sum, so that no
  // cell underflows because another one is large. Empty or impossible: -Infinity.
  function logSumExp(xs) {
    let peak = -Infinity;
    for (const x of xs) if (x > peak) peak = x;
    if (peak === -Infinity) return -Infinity;
    let total = 0;
    for (const x of xs) total += Math.exp(x - peak);
    return peak + Math.log(total);
  }

  // The distribution proportional to exp(logWeights); zeros if there is none.
  function normalise(logWeights) {
    const total = logSumExp(logWeights);
    return logWeights.map((x) => (total === -Infinity ? 0 : Math.exp(x - total)));
  }

  function prepared(problem) {
    const { transition, reward, initial, actionPrior, horizon, temperature } = problem;
    const S = transition.length, A = transition[0].length;
    const rewardAt = (t) => (Array.isArray(reward[0][0]) ? reward[t] : reward);
    const logs = (xs) => xs.map(Math.log);
    return {
      T: horizon, S, A, transition, initial, actionPrior,
      rewardAt,
      scaled: (t, s, a) => rewardAt(t)[s][a] / temperature,
      logP: transition.map((rows) => rows.map(logs)),
      logRho: actionPrior.map(logs),
      logMu: logs(initial),
    };
  }

  // log beta_t(s,a) = r/alpha + log E[beta_{t+1}(s')];  log beta_t(s) = log E_rho[beta_t(s,a)].
  function backwardMessages(problem) {
    const m = prepared(problem);
    const logBetaSA = [], logBetaS = [], policy = [];
    let next = new Array(m.S).fill(0);
    for (let t = m.T - 1; t >= 0; t--) {
      const here = next;
      logBetaSA[t] = m.logP.map((rows, s) =>
        rows.map((row, a) => m.scaled(t, s, a) + logSumExp(row.map((x, j) => x + here[j]))));
      const joint = logBetaSA[t].map((row, s) => row.map((x, a) => m.logRho[s][a] + x));
      logBetaS[t] = joint.map(logSumExp);
      policy[t] = joint.map(normalise);
      next = logBetaS[t];
    }
    const logEvidence = logSumExp(m.logMu.map((x, s) => x + next[s]));
    return { logBetaSA, logBetaS, policy, logEvidence };
  }

  // log f_t(s) = log p(s_t, O_{1:t-1} = 1). With `conditioned` false, log p(s_t).
  function forwardMessages(problem, conditioned = true) {
    const m = prepared(problem);
    const logForward = [m.logMu];
    for (let t = 0; t + 1 < m.T; t++) {
      const terms = range(m.S).map(() => []);
      m.logP.forEach((rows, s) => rows.forEach((row, a) => {
        const here = logForward[t][s] + m.logRho[s][a] + (conditioned ? m.scaled(t, s, a) : 0);
        if (here > -Infinity) row.forEach((x, j) => { if (x > -Infinity) terms[j].push(here + x); });
      }));
      logForward.push(terms.map(logSumExp));
    }
    return { logForward, filtered: logForward.map(normalise) };
  }

  // p(s_t, a_t | O_{1:T} = 1) and its sum over actions.
  function smoothedMarginals(problem, backward = backwardMessages(problem)) {
    const m = prepared(problem);
    const { logForward } = forwardMessages(problem);
    const stateAction = over(m.T, (t) => {
      const flat = normalise(range(m.S * m.A).map((i) => {
        const s = Math.floor(i / m.A), a = i % m.A;
        return logForward[t][s] + m.logRho[s][a] + backward.logBetaSA[t][s][a];
      }));
      return range(m.S).map((s) => flat.slice(s * m.A, (s + 1) * m.A));
    });
    return { state: stateAction.map((rows) => rows.map(sum)), stateAction };
  }

  // p(s_t, a_t) before anything is known about optimality.
  function priorMarginals(problem) {
    const state = forwardMessages(problem, false).filtered;
    const stateAction = state.map((row) =>
      row.map((p, s) => problem.actionPrior[s].map((rho) => p * rho)));
    return { state, stateAction };
  }

  // E[sum_t r_t], in units of reward, of marginals p(s_t, a_t). What never happens costs nothing.
  function expectedReturn(problem, stateAction) {
    const m = prepared(problem);
    return sum(stateAction.map((rows, t) => sum(rows.map((row, s) =>
      sum(row.map((p, a) => (p === 0 ? 0 : p * m.rewardAt(t)[s][a])))))));
  }

  // mulberry32: a small generator with a seed, so that a picture can be had again.
  function generator(seed) {
    let state = seed >>> 0;
    return function () {
      state = (state + 0x6d2b79f5) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 15), z | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
  }

  function draw(probability, random) {
    let u = random() * sum(probability), last = 0;
    for (let i = 0; i < probability.length; i++) {
      if (probability[i] === 0) continue;
      last = i;
      u -= probability[i];
      if (u < 0) break;
    }
    return last;
  }

  function rollOut(problem, initial, policyAt, kernelAt, count, seed) {
    const random = generator(seed);
    return over(count, () => {
      const states = [], actions = [];
      let s = draw(initial, random);
      for (let t = 0; t < problem.horizon; t++) {
        const a = draw(policyAt(t, s), random);
        states.push(s);
        actions.push(a);
        // Always one number a step, so that a change of settings moves a line only where it must.
        s = draw(kernelAt(t, s, a), random);
      }
      return { states, actions };
    });
  }

  function samplePrior(problem, count, seed) {
    return rollOut(problem, problem.initial, (t, s) => problem.actionPrior[s],
      (t, s, a) => problem.transition[s][a], count, seed);
  }

  // The posterior is a Markov chain: next states come from P(s'|s,a) beta_{t+1}(s'), not from P.
  function samplePosterior(problem, count, seed, backward = backwardMessages(problem)) {
    if (backward.logEvidence === -Infinity) return [];
    const m = prepared(problem);
    const ahead = (t) => backward.logBetaS[t + 1] || new Array(m.S).fill(0);
    const initial = normalise(m.logMu.map((x, s) => x + backward.logBetaS[0][s]));
    const kernel = (t, s, a) => normalise(m.logP[s][a].map((x, j) => x + ahead(t)[j]));
    return rollOut(problem, initial, (t, s) => backward.policy[t][s], kernel, count, seed);
  }

  function trajectoryLogPrior(problem, { states, actions }) {
    const m = prepared(problem);
    return m.logMu[states[0]] + sum(states.map((s, t) =>
      m.logRho[s][actions[t]] +
      (t + 1 < states.length ? m.logP[s][actions[t]][states[t + 1]] : 0)));
  }

  function trajectoryReturn(problem, { states, actions }) {
    const m = prepared(problem);
    return sum(states.map((s, t) => m.rewardAt(t)[s][actions[t]]));
  }

  // Weights exp(return / alpha) of trajectories, normalised to sum to one.
  function weights(problem, trajectories) {
    return normalise(trajectories.map((x) => trajectoryReturn(problem, x) / problem.temperature));
  }

  // 1 + chi^2 of the posterior against the prior: how many draws of the prior, weighted, tell as
  // much as one draw of the posterior. The weights of a few draws cannot show it: when none
  // of them is good, all weigh the same.
  function drawsPerOne(problem, logEvidence) {
    if (logEvidence === -Infinity) return Infinity;
    const colder = { ...problem, temperature: problem.temperature / 2 }; // squares the weights
    return Math.exp(backwardMessages(colder).logEvidence - 2 * logEvidence);
  }

  const MOVES = [[-1, 0], [0, 1], [1, 0], [0, -1], [0, 0]]; // up, right, down, left, stay

  // The gridworld of cs_infer.figures.explorer.gridworld_problem, cell for cell.
  function gridworld({ layout, stepCost, mudCost, slip, horizon, temperature }) {
    const cells = [], index = new Map();
    layout.forEach((line, row) => [...line].forEach((mark, column) => {
      if (mark === "#") return;
      index.set(`${row},${column}`, cells.length);
      cells.push({ row, column, mark });
    }));
    const reach = (cell, move) => {
      const to = index.get(`${cell.row + MOVES[move][0]},${cell.column + MOVES[move][1]}`);
      return to === undefined ? index.get(`${cell.row},${cell.column}`) : to;
    };
    const transition = cells.map((cell, s) => MOVES.map((_, a) => {
      const row = new Array(cells.length).fill(0);
      MOVES.forEach((_, move) => {
        const to = cell.mark === "G" ? s : reach(cell, move);
        row[to] += slip / MOVES.length + (1 - slip) * (move === a);
      });
      return row;
    }));
    const pay = { G: 0, "~": -(stepCost + mudCost) };
    const reward = cells.map(({ mark }) => MOVES.map(() => (mark in pay ? pay[mark] : -stepCost)));
    const starts = cells.filter(({ mark }) => mark === "S").length;
    const initial = cells.map(({ mark }) => (mark === "S" ? 1 / starts : 0));
    const actionPrior = cells.map(() => MOVES.map(() => 1 / MOVES.length));
    return { transition, reward, initial, actionPrior, horizon, temperature, cells };
  }

  root.caiInference = {
    logSumExp, normalise, backwardMessages, forwardMessages, smoothedMarginals, priorMarginals,
    expectedReturn, generator, samplePrior, samplePosterior, trajectoryLogPrior,
    trajectoryReturn, weights, drawsPerOne, gridworld,
  };
})(globalThis);
