// Trajectories of a small decision problem: drawn, and weighed. Adds to caiInference.
"use strict";

(function (infer) {
  const {
    sum, over, normalise, prepared, backwardMessages, posteriorDynamics, posteriorInitial,
  } = infer;

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

  // A policy in the true dynamics.
  function samplePolicy(problem, policy, count, seed) {
    return rollOut(problem, problem.initial, (t, s) => policy[t][s],
      (t, s, a) => problem.transition[s][a], count, seed);
  }

  function samplePrior(problem, count, seed) {
    return samplePolicy(problem, over(problem.horizon, () => problem.actionPrior), count, seed);
  }

  // The posterior is a Markov chain: next states come from P(s'|s,a) beta_{t+1}(s'), not from P.
  function samplePosterior(problem, count, seed, backward = backwardMessages(problem)) {
    if (backward.logEvidence === -Infinity) return [];
    const kernel = over(problem.horizon, (t) => posteriorDynamics(problem, t, backward));
    return rollOut(problem, posteriorInitial(problem, backward), (t, s) => backward.policy[t][s],
      (t, s, a) => kernel[t][s][a], count, seed);
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

  Object.assign(infer, {
    generator, samplePolicy, samplePrior, samplePosterior, trajectoryLogPrior, trajectoryReturn,
    weights,
  });
})(globalThis.caiInference);
