// What each explorer asks of the inference, as numbers. Adds to caiInference.
"use strict";

(function (infer) {
  // ---- messages ----------------------------------------------------------------

  // Messages for t = 1 … T+1 (index t-1): the last backward message is 1 everywhere, and the last
  // forward message has seen every reward.
  function messagesOf(settings) {
    const problem = infer.gridworld(settings);
    const backward = infer.backwardMessages(problem);
    const logBeta = [...backward.logBetaS, problem.cells.map(() => 0)];
    const longer = { ...problem, horizon: problem.horizon + 1 };
    const { logForward } = infer.forwardMessages(longer);
    const product = logForward.map((row, t) =>
      infer.normalise(row.map((x, s) => x + logBeta[t][s])));
    return { problem, backward: logBeta, forward: logForward, product, policy: backward.policy };
  }

  // By how much a cell's backward message changes when there is mud, or a goal, on the map.
  // A change that drowns in rounding counts as none.
  function owed(settings, logBeta) {
    const ground = settings.layout.map((line) => line.replaceAll("G", "."));
    const without = (changed) => [
      ...infer.backwardMessages(infer.gridworld({ ...settings, ...changed })).logBetaS,
      logBeta[0].map(() => 0),
    ];
    const less = (with_, x) => (Math.abs(with_ - x) < 1e-13 * (1 + Math.abs(x)) ? 0 : with_ - x);
    const change = (changed) =>
      without(changed).map((row, t) => row.map((x, s) => less(logBeta[t][s], x)));
    return { mud: change({ mudCost: 0 }), goal: change({ layout: ground }) };
  }

  // Whether a message can have come from a cell with this mark: whether some trajectory stands
  // there before step T+1.
  function heard({ cells, transition, horizon }, mark) {
    const rows = [cells.map(() => false)];
    for (let t = horizon; t >= 1; t--) {
      const next = rows[0];
      rows.unshift(cells.map((cell, s) => cell.mark === mark ||
        transition[s].some((row) => row.some((p, j) => p > 0 && next[j]))));
    }
    return rows;
  }

  // ---- temperature -------------------------------------------------------------

  const normal = (weights) => weights.map((w) => w / infer.sum(weights));

  // The limit of the policy as alpha goes to 0: the best actions, shared as the prior shares them.
  const greedy = (Q, rho) => normal(rho.map((p, a) => (Q[a] > Math.max(...Q) - 1e-12 ? p : 0)));

  function choice({ values: Q, prior, temperature: alpha }) {
    const rho = normal(prior);
    return {
      Q, rho, V: infer.softMax(Q, rho, alpha),
      policy: infer.normalise(Q.map((q, a) => Math.log(rho[a]) + q / alpha)),
      greedy: greedy(Q, rho), max: Math.max(...Q), mean: infer.expect(rho, Q),
      unweighted: infer.softMax(Q, Q.map(() => 1), alpha),
    };
  }

  // ---- cone --------------------------------------------------------------------

  // Both messages and their product along a line, each row against its sum or, backwards, its
  // largest; and how far the place spreads, step by step.
  function cone(settings) {
    const problem = infer.line(settings);
    const { logBetaS } = infer.backwardMessages(problem);
    const forward = infer.forwardMessages(problem).filtered;
    const product = infer.smoothedMarginals(problem).state;
    const backward = logBetaS.map((row) => row.map((x) => Math.exp(x - Math.max(...row))));
    const spread = { product: infer.spread(product), forward: infer.spread(forward) };
    return { forward, backward, product, spread };
  }

  // ---- lottery -----------------------------------------------------------------

  // Both readings of the two-step problem; rewards count from the losing outcome.
  function lotteryReadings(settings) {
    const { chance, gain, safe, temperature } = settings;
    const problem = infer.lottery(settings);
    const backward = infer.backwardMessages(problem), soft = infer.softValues(problem);
    const obtained = (policy) =>
      infer.expectedReturn(problem, infer.policyOccupancy(problem, policy));
    const within = safe <= gain;
    return {
      exact: {
        worth: temperature * backward.logBetaSA[0][0][1], play: backward.policy[0][0][1],
        believed: infer.posteriorDynamics(problem, 0, backward)[0][1][1], chance,
        returnBelieved:
          infer.expectedReturn(problem, infer.smoothedMarginals(problem, backward).stateAction),
        returnObtained: obtained(backward.policy),
        threshold: within ? infer.lotteryThreshold(gain, safe, temperature) : null,
      },
      variational: {
        worth: soft.Q[0][0][1], play: soft.policy[0][0][1], believed: chance, chance,
        returnBelieved: obtained(soft.policy), returnObtained: obtained(soft.policy),
        threshold: within ? safe / gain : null,
      },
    };
  }

  // ---- cliff -------------------------------------------------------------------

  // A reading is a policy with what its agent believes and what happens to it: marginals
  // p(s_t, a_t) and a way to draw walks. The variational agent believes in the true dynamics.
  function exactReading(problem) {
    const backward = infer.backwardMessages(problem);
    return {
      policy: backward.policy,
      believed: infer.smoothedMarginals(problem, backward).stateAction,
      happens: infer.policyOccupancy(problem, backward.policy),
      imagine: (count, seed) => infer.samplePosterior(problem, count, seed, backward),
    };
  }

  function variationalReading(problem) {
    const { policy } = infer.softValues(problem);
    const happens = infer.policyOccupancy(problem, policy);
    return {
      policy, believed: happens, happens,
      imagine: (count, seed) => infer.samplePolicy(problem, policy, count, seed),
    };
  }

  // Who falls passes one cliff cell, once.
  const falls = (problem, stateAction) => infer.sum(stateAction.map((rows) =>
    infer.sum(problem.cells.map(({ mark }, s) => (mark === "x" ? infer.sum(rows[s]) : 0)))));

  const measured = (problem, { believed, happens }) => ({
    returnBelieved: infer.expectedReturn(problem, believed),
    returnObtained: infer.expectedReturn(problem, happens),
    fallsBelieved: falls(problem, believed),
    fallsHappen: falls(problem, happens),
  });

  function cliffReadings(settings) {
    const problem = infer.cliff(settings);
    const readings = { exact: exactReading(problem), variational: variationalReading(problem) };
    for (const reading of Object.values(readings))
      reading.numbers = measured(problem, reading);
    return { problem, ...readings };
  }

  Object.assign(infer, { messagesOf, owed, heard, choice, cone, lotteryReadings, cliffReadings });
})(globalThis.caiInference);
