// Control with a discount: VIREL, whose temperature is its own Bellman error, beside soft value
// iteration at fixed temperatures, as cs_infer computes them. Adds to caiInference.
"use strict";

(function (infer) {
  const { sum, range, expect, softMax } = infer;
  const bellman = ({ transition, reward, discount }, V) => transition.map((rows, s) =>
    rows.map((row, a) => reward[s][a] + discount * expect(row, V)));
  const furthest = (Q, P) =>
    Math.max(...Q.flatMap((row, s) => row.map((q, a) => Math.abs(q - P[s][a]))));

  // rho exp(Q/temperature) / Z in every state; at temperature 0 the prior among the best actions.
  function boltzmann({ actionPrior }, Q, temperature) {
    return Q.map((row, s) => {
      const top = Math.max(...row.filter((_, a) => actionPrior[s][a] > 0));
      const weight = row.map((q, a) => actionPrior[s][a] *
        (q === top ? 1 : Math.exp((q - top) / temperature)));
      return weight.map((w) => w / sum(weight));
    });
  }

  // T Q of the Boltzmann policy: r + gamma E[E_pi Q].
  const target = (problem, Q, temperature) => bellman(problem,
    boltzmann(problem, Q, temperature).map((row, s) => expect(row, Q[s])));

  // The smallest temperature that equals c/2 times the mean square of T Q - Q at that very
  // temperature. T Q falls as the temperature grows, so the errors at the two ends of an interval
  // bound those within, and with them every fixed point.
  function adaptiveTemperature(problem, Q, c) {
    const S = Q.length;
    const mean = (f) => (c / 2) * sum(Q.map((row, s) =>
      sum(row.map((_, a) => (problem.actionPrior[s][a] / S) * f(s, a) ** 2))));
    const error = (temperature) => {
      const next = target(problem, Q, temperature);
      return (s, a) => next[s][a] - Q[s][a];
    };
    const bounds = (low, high) => {
      const most = error(low), least = error(high);
      return [mean((s, a) => Math.max(least(s, a), -most(s, a), 0)),
        mean((s, a) => Math.max(most(s, a), -least(s, a)))];
    };
    if (mean(error(0)) === 0) return 0;
    return smallest(bounds, (temperature) => temperature < mean(error(temperature)), 0, Infinity);
  }

  // The smallest fixed point between two temperatures, or null. Narrow the interval while that
  // helps, then split it. Two fixed points within a thousandth of each other may count as none.
  function smallest(bounds, above, low, high) {
    let width;
    do {
      const [l, h] = bounds(low, high);
      if (l > high * (1 + 1e-12) || h < low * (1 - 1e-12)) return null;
      width = high - low;
      [low, high] = [Math.min(Math.max(low, l), high), Math.max(Math.min(high, h), low)];
      if (high - low <= 1e-14 * high) return high;
    } while (high - low < 0.7 * width);
    if (high - low < 1e-3 * high) return above(low) && !above(high) ? halved(above, low, high) : null;
    const middle = low > 1e-6 * high ? Math.sqrt(low * high) : 1e-3 * high;
    return smallest(bounds, above, low, middle) ?? smallest(bounds, above, middle, high);
  }

  function halved(above, low, high) {
    for (const _ of range(50)) {
      const middle = (low + high) / 2;
      if (above(middle)) low = middle; else high = middle;
    }
    return high;
  }

  // VIREL: temperature from Q, policy from both, then one backup of that policy.
  function virelSteps(problem, c, count) {
    let Q = problem.reward.map((row) => row.map(() => 0));
    return range(count + 1).map(() => {
      const here = Q, temperature = adaptiveTemperature(problem, here, c);
      Q = target(problem, here, temperature);
      return { Q: here, temperature, policy: boltzmann(problem, here, temperature) };
    });
  }

  // Soft value iteration with a discount at one temperature.
  function softSteps(problem, temperature, count) {
    let Q = problem.reward.map((row) => row.map(() => 0));
    return range(count + 1).map(() => {
      const here = Q;
      Q = bellman(problem, here.map((row, s) => softMax(row, problem.actionPrior[s], temperature)));
      return { Q: here, temperature, policy: boltzmann(problem, here, temperature) };
    });
  }

  // What a policy earns, discounted, from every state; sweeps until nothing moves.
  function discountedReturn(problem, policy) {
    let V = policy.map(() => 0), moved = Infinity;
    while (moved > 1e-14 * (1 + Math.max(...V.map(Math.abs)))) {
      const next = bellman(problem, V).map((row, s) => expect(policy[s], row));
      moved = Math.max(...next.map((v, s) => Math.abs(v - V[s])));
      V = next;
    }
    return V;
  }

  function optimal(problem) {
    let Q = problem.reward, moved = Infinity;
    while (moved > 1e-14 * (1 + Math.max(...Q.flat().map(Math.abs)))) {
      const next = bellman(problem, Q.map((row) => Math.max(...row)));
      moved = furthest(next, Q);
      Q = next;
    }
    return Q;
  }

  // ---- cooling -----------------------------------------------------------------

  // Four agents, step by step: VIREL, and soft value iteration at three temperatures.
  function coolingReadings(settings, temperatures, count) {
    const problem = infer.strip(settings), best = optimal(problem);
    const start = problem.initial.indexOf(1), worth = Math.max(...best[start]);
    const measured = ({ Q, temperature, policy }) => ({
      temperature, policy, distance: furthest(Q, best), useless: policy[start][2],
      get regret() { return Math.max(0, worth - discountedReturn(problem, policy)[start]); },
    });
    const agents = [virelSteps(problem, settings.c, count),
      ...temperatures.map((alpha) => softSteps(problem, alpha, count))];
    return { problem, agents: agents.map((steps) => steps.map(measured)) };
  }

  Object.assign(infer, {
    boltzmann, adaptiveTemperature, virelSteps, softSteps, discountedReturn, optimal,
    coolingReadings,
  });
})(globalThis.caiInference);
