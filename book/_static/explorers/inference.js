// Exact inference for a small decision problem: the same recursions as
// cs_infer, in the same order, in log space. Tests hold the two together.
// No drawing here; sampling.js and worlds.js add to the same object.
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

  // 1 + chi^2 of the posterior against the prior: how many draws of the prior, weighted, tell as
  // much as one draw of the posterior. The weights of a few draws cannot show it: when none
  // of them is good, all weigh the same.
  function drawsPerOne(problem, logEvidence) {
    if (logEvidence === -Infinity) return Infinity;
    const colder = { ...problem, temperature: problem.temperature / 2 }; // squares the weights
    return Math.exp(backwardMessages(colder).logEvidence - 2 * logEvidence);
  }

  // The variational backup: one call differs. Q_t(s,a) = r + E[V_{t+1}(s')], in units of reward;
  // V_t(s) = alpha log E_rho[exp(Q_t(s,a)/alpha)].
  function softValues(problem) {
    const m = prepared(problem), alpha = problem.temperature;
    const Q = [], V = [], policy = [];
    let next = new Array(m.S).fill(0);
    for (let t = m.T - 1; t >= 0; t--) {
      const here = next;
      Q[t] = m.transition.map((rows, s) =>
        rows.map((row, a) => m.rewardAt(t)[s][a] + expect(row, here)));
      policy[t] = Q[t].map((row, s) => normalise(row.map((q, a) => m.logRho[s][a] + q / alpha)));
      V[t] = Q[t].map((row, s) => softMax(row, m.actionPrior[s], alpha));
      next = V[t];
    }
    return { Q, V, policy, value: expect(m.initial, next) };
  }

  // E[x]; what never happens counts for nothing, even if it is infinite.
  const expect = (probability, xs) =>
    probability.reduce((total, p, i) => (p === 0 ? total : total + p * xs[i]), 0);

  // alpha log E_rho[exp(Q/alpha)]: at most the largest Q, at least the mean of Q under rho.
  const softMax = (Q, rho, alpha) =>
    alpha * logSumExp(Q.map((q, a) => Math.log(rho[a]) + q / alpha));

  // p(s_{t+1} = s' | s, a, O_{1:T} = 1), t from 0; zeros where optimality is impossible.
  function posteriorDynamics(problem, t, backward = backwardMessages(problem)) {
    const m = prepared(problem);
    const next = backward.logBetaS[t + 1] || new Array(m.S).fill(0);
    return m.logP.map((rows) => rows.map((row) => normalise(row.map((x, j) => x + next[j]))));
  }

  // p(s_1 | O_{1:T} = 1).
  const posteriorInitial = (problem, backward = backwardMessages(problem)) =>
    normalise(problem.initial.map((p, s) => Math.log(p) + backward.logBetaS[0][s]));

  // p_pi(s_t, a_t) when the policy acts in the true dynamics.
  function policyOccupancy(problem, policy) {
    const m = prepared(problem);
    let state = m.initial;
    return over(m.T, (t) => {
      const here = state.map((p, s) => policy[t][s].map((x) => p * x));
      state = new Array(m.S).fill(0);
      here.forEach((row, s) => row.forEach((p, a) => {
        if (p > 0) m.transition[s][a].forEach((x, j) => { state[j] += p * x; });
      }));
      return here;
    });
  }

  // p* of a lottery that pays `gain` or 0: from there on, exact inference gives it at least the
  // probability of a safe choice that pays `safe`. Written so that nothing overflows.
  const lotteryThreshold = (gain, safe, alpha) =>
    Math.exp((safe - gain) / alpha) * Math.expm1(-safe / alpha) / Math.expm1(-gain / alpha);

  // The standard deviation of the state's number, step by step.
  const spread = (state) => state.map((row) => {
    const places = range(row.length), mean = expect(row, places);
    return Math.sqrt(expect(row, places.map((s) => (s - mean) ** 2)));
  });

  root.caiInference = {
    sum, range, over, logSumExp, normalise, prepared, expect, softMax, backwardMessages,
    forwardMessages, smoothedMarginals, priorMarginals, expectedReturn, drawsPerOne, softValues,
    posteriorDynamics, posteriorInitial, policyOccupancy, lotteryThreshold, spread,
  };
})(globalThis);
