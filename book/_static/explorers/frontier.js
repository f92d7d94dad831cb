// <cai-frontier>: what reward costs in nats: the best policies at every temperature.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, GridMap, Chart, make, write, sliders, define } = globalThis.caiElement;
  const ALPHAS = infer.range(49).map((i) => 100 * (0.02 / 100) ** (i / 48));
  const COPIES = { name: "copies", label: "Copies of the action stay", min: 1, max: 30, step: 1 };
  const NUMBERS = [
    ["reward", "expected reward", ""],
    ["divergence", "divergence from the prior", "nats"],
    ["total", "reward − α × divergence", "", 3],
    ["entropy", "entropy of the policy, summed over the steps", "nats"],
    ["mud", "steps spent in mud", ""],
    ["goal", "chance to be at G at the last step", "", 3],
  ];

  class Frontier extends Explorer {
    static subject = "reward against divergence from the prior at every temperature";

    build() {
      const stage = make(this, "div", { class: "cai-panel cai-first" });
      this.chart = new Chart(stage, {
        title: "Reward against divergence", x: "divergence from the prior, nats",
        legend: [
          ["after", "the best policies, one for each α"],
          ["before", "slope α, from reward − α × divergence up"],
          ["open", "a policy that acts as the posterior does"],
          ["quiet", "the best policies as the page opened"],
        ],
      });
      this.map = new GridMap(stage, infer.frontierWorld(this.settings).cells, {
        title: "Where the policy of this α walks",
        note: "Shade: the share of all steps. Arrows: the policy at step 1, as long as their " +
          "probability; a dot for staying.",
      });
      const problem = this.panel(make(this, "div", { class: "cai-wide" }), "Temperature and problem");
      this.buildSettings(problem, [...sliders("temperature", "slip"), COPIES]);
      this.buildReset(problem);
      this.numbers = this.buildNumbers(NUMBERS);
      this.opening = infer.frontier(this.given, ALPHAS);
    }

    update() {
      const { slip, copies } = this.settings, key = `${slip} ${copies}`;
      if (this.known !== key) this.frontier = infer.frontier(this.settings, ALPHAS);
      this.known = key;
      this.result = infer.frontierReadings(this.settings);
      this.showSettings();
      this.numbers(this.result);
      this.map.shadeProbability(this.result.share, "share of the steps:");
      this.map.arrows(this.result.policy[0]);
      this.drawChart();
      this.speak();
    }

    drawChart() {
      const { reward, divergence, total, posterior } = this.result, { temperature } = this.settings;
      const ends = [...this.frontier, ...this.opening, [posterior.divergence, posterior.reward]];
      const x = [0, 1.04 * Math.max(...ends.map(([nats]) => nats))];
      const low = Math.min(...ends.map(([, r]) => r)), high = Math.max(...ends.map(([, r]) => r));
      const y = [low - 0.06 * (high - low), high + 0.06 * (high - low)];
      const until = Math.min(x[1], (y[1] - total) / temperature); // where the tangent leaves the chart
      this.chart.draw({
        x, y,
        curves: [
          { look: "quiet", points: this.opening }, { look: "after", points: this.frontier },
          { look: "before", points: [[0, total], [until, total + temperature * until]] },
        ],
        marks: [
          { look: "open", x: posterior.divergence, y: posterior.reward },
          { look: "before", x: 0, y: total }, { look: "after", x: divergence, y: reward },
        ],
        says: `The frontier rises from ${write(this.frontier[0][1])} at no divergence to ` +
          `${write(this.frontier.at(-1)[1])} at ${write(this.frontier.at(-1)[0])} nats; at ` +
          `${write(divergence)} nats the reward is ${write(reward)} and the slope ${temperature}.`,
      });
    }

    sentence() {
      const { reward, divergence, total, mud, goal, posterior } = this.result;
      const { temperature } = this.settings;
      return `At α = ${temperature} the best policy spends ${write(divergence)} nats and earns ` +
        `${write(reward)}; one more nat would add about ${write(temperature)}. It stands in mud for ` +
        `${write(mud)} steps and ends at G with probability ${write(goal)}. ` +
        `Less what the nats cost, it is worth ${write(total)}; a policy that acts as the posterior ` +
        `does, ${write(posterior.total)}.`;
    }
  }

  define("cai-frontier", Frontier);
})();
