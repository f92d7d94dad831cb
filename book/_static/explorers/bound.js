// Policies against the bound: what a policy earns and what it costs in nats, its distance from the
// posterior, and soft policy iteration, as cs_infer computes them. Adds to caiInference.
"use strict";

(function (infer) {
  const { sum, range, over, expect, prepared, normalise } = infer;

  // KL(p || q) in nats; what p never does counts for nothing.
  const divergence = (p, q) =>
    sum(p.map((x, i) => (x === 0 ? 0 : x * (Math.log(x) - Math.log(q[i])))));

  // E[sum_t f_t(s_t)] of numbers for each state, under p(s_t, a_t).
  const alongTheWay = (stateAction, f) => sum(stateAction.map((rows, t) =>
    sum(rows.map((row, s) => (sum(row) === 0 ? 0 : sum(row) * f(t, s))))));

  // total = E[sum r] - alpha E[sum KL(pi || rho)]: reward in its units, divergence in nats.
  function regularisedReturn(problem, policy,
    stateAction = infer.policyOccupancy(problem, policy)) {
    const reward = infer.expectedReturn(problem, stateAction);
    const nats = alongTheWay(stateAction,
      (t, s) => divergence(policy[t][s], problem.actionPrior[s]));
    return { reward, divergence: nats, total: reward - problem.temperature * nats };
  }

  const elbo = (problem, policy, stateAction) =>
    regularisedReturn(problem, policy, stateAction).total / problem.temperature;

  // KL(q || p(. | O)) by the chain rule: the policy's share, luck's share and the first state's.
  function klToPosterior(problem, policy, stateAction = infer.policyOccupancy(problem, policy),
    backward = infer.backwardMessages(problem)) {
    const { logP } = prepared(problem), { logBetaS } = backward;
    const ahead = (t, s, a) =>
      infer.logSumExp(logP[s][a].map((x, j) => x + logBetaS[t + 1][j])) -
      expect(problem.transition[s][a], logBetaS[t + 1]);
    const luck = sum(stateAction.slice(0, -1).map((rows, t) => sum(rows.map((row, s) =>
      sum(row.map((p, a) => (p === 0 ? 0 : p * ahead(t, s, a))))))));
    return {
      policy: alongTheWay(stateAction, (t, s) => divergence(policy[t][s], backward.policy[t][s])),
      luck, initial: divergence(problem.initial, infer.posteriorInitial(problem, backward)),
    };
  }

  // Q_t(s,a) = r + E[V_{t+1}(s')] and V_t(s) = E_pi[Q_t] - alpha KL(pi || rho), for any policy.
  function softPolicyValues(problem, policy) {
    const m = prepared(problem), Q = [], V = [];
    let next = new Array(m.S).fill(0);
    for (let t = m.T - 1; t >= 0; t--) {
      const ahead = next;
      Q[t] = m.transition.map((rows, s) =>
        rows.map((row, a) => m.rewardAt(t)[s][a] + expect(row, ahead)));
      V[t] = Q[t].map((row, s) => expect(policy[t][s], row) -
        problem.temperature * divergence(policy[t][s], m.actionPrior[s]));
      next = V[t];
    }
    return { Q, V, value: expect(m.initial, next) };
  }

  // rho exp(Q/alpha) / Z in every state.
  function improvedPolicy(problem, Q) {
    const { logRho } = prepared(problem);
    return Q.map((rows) => rows.map((row, s) =>
      normalise(row.map((q, a) => logRho[s][a] + q / problem.temperature))));
  }

  // The prior, and the policies after 1, 2, … improvements.
  function softPolicyIteration(problem, iterations) {
    const policies = [over(problem.horizon, () => problem.actionPrior)];
    for (const _ of range(iterations))
      policies.push(improvedPolicy(problem, softPolicyValues(problem, policies.at(-1)).Q));
    return policies;
  }

  // ---- frontier ----------------------------------------------------------------

  // Copies of the action that stays are one action with more of the prior's weight.
  function frontierWorld(settings) {
    const problem = infer.gridworld(settings), { copies } = settings;
    const weight = [1, 1, 1, 1, copies].map((w) => w / (4 + copies));
    return { ...problem, actionPrior: problem.actionPrior.map(() => weight) };
  }

  // Reward and divergence of the best policy at every temperature of a list.
  const frontier = (settings, temperatures) => temperatures.map((temperature) => {
    const problem = frontierWorld({ ...settings, temperature });
    const { reward, divergence: nats } =
      regularisedReturn(problem, infer.softValues(problem).policy);
    return [nats, reward];
  });

  // The best policy at one temperature, and beside it a policy that acts as the posterior does.
  function frontierReadings(settings) {
    const problem = frontierWorld(settings), { horizon, copies } = settings;
    const { policy } = infer.softValues(problem);
    const stateAction = infer.policyOccupancy(problem, policy);
    const stays = stateAction.map((rows) => rows.map(sum));
    const at = (mark, rows) => sum(rows.map((row) =>
      sum(row.filter((_, s) => problem.cells[s].mark === mark))));
    const best = regularisedReturn(problem, policy, stateAction);
    return {
      problem, policy, ...best,
      share: range(problem.cells.length).map((s) => sum(stays.map((row) => row[s])) / horizon),
      entropy: horizon * Math.log(4 + copies) - best.divergence,
      mud: at("~", stays), goal: at("G", stays.slice(-1)),
      posterior: regularisedReturn(problem, infer.backwardMessages(problem).policy),
    };
  }

  // ---- gap ---------------------------------------------------------------------

  // log p(O) = ELBO + policy + luck + initial: after each improvement, for the best policy, and for
  // a policy that acts as the posterior does.
  function gapReadings(settings, iterations) {
    const problem = infer.cliff(settings), backward = infer.backwardMessages(problem);
    const split = (policy) => {
      const stateAction = infer.policyOccupancy(problem, policy);
      const bound = elbo(problem, policy, stateAction);
      const shares = klToPosterior(problem, policy, stateAction, backward);
      const total = bound + shares.policy + shares.luck + shares.initial;
      const share = stateAction[0].map((_, s) =>
        sum(stateAction.map((rows) => sum(rows[s]))) / problem.horizon);
      return { ...shares, elbo: bound, total, acts: policy[0], share };
    };
    return {
      problem, logEvidence: backward.logEvidence,
      steps: softPolicyIteration(problem, iterations).map(split),
      best: split(infer.softValues(problem).policy), posterior: split(backward.policy),
    };
  }

  Object.assign(infer, {
    divergence, regularisedReturn, elbo, klToPosterior, softPolicyValues, improvedPolicy,
    softPolicyIteration, frontierWorld, frontier, frontierReadings, gapReadings,
  });
})(globalThis.caiInference);
