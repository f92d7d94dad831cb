// <cai-temperature>: one choice at every temperature, with its two limits, and a chain of choices.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, GridMap, Chart, make, write, clamp, define } = globalThis.caiElement;
  const LOWEST = 0.01, HIGHEST = 100;
  const ALPHA =
    { name: "temperature", label: "Temperature α", min: LOWEST, max: HIGHEST, log: true };
  const NUMBERS = [
    ["V", "V = α log Σ ρ exp(Q/α)", "", 3],
    ["max", "the largest Q (limit α → 0)", "", 3],
    ["mean", "the mean of Q under the prior (limit α → ∞)", "", 3],
    ["unweighted", "α log Σ exp(Q/α), without the prior", "", 3],
  ];

  class Temperature extends Explorer {
    static subject = "temperature and the greedy limit";

    build() {
      const names = this.given.values.map((_, a) => `action ${a + 1}`);
      const top = make(this, "div", { class: "cai-panel cai-first" });
      this.chart = new Chart(top, {
        title: "The value of the choice", x: "temperature α",
        legend: [
          ["after", "V at every α"], ["before", "largest Q"], ["quiet", "prior mean of Q"],
        ],
      });
      this.bars = this.buildBars(this.panel(top, "The policy", "cai-look"), names,
        [["before", "Prior ρ"], ["after", "Policy"], ["limit", "Limit α → 0"]]);
      const wide = make(this, "div", { class: "cai-wide" });
      const alpha = this.panel(wide, "The temperature");
      this.buildSettings(alpha, [ALPHA]);
      const panel = make(this, "div", { class: "cai-panel" });
      this.buildList(this.panel(panel, "Q of each action"), "values", "Q", -2, 2, names);
      const weights = this.panel(panel, "Prior weight of each action");
      this.buildList(weights, "prior", "Weight", 0.01, 1, names);
      this.buildReset(weights);
      this.numbers = this.buildNumbers(NUMBERS);
      this.buildChain();
    }

    buildList(parent, list, label, min, max, names) {
      const sliders = names.map((name, a) =>
        ({ name: a, id: `${list}-${a}`, label: `${label}, ${name}`, min, max, step: 0.01 }));
      this.buildSettings(parent, sliders, () => this.settings[list], this.given[list]);
    }

    buildChain() {
      const { cells } = this.given.chain;
      const places = infer.range(cells).map((column) =>
        ({ row: 0, column, mark: column === 0 || column === cells - 1 ? "G" : "." }));
      this.chain = new GridMap(make(this, "div", { class: "cai-wide" }), places, {
        title: "A chain of choices at the same α", moves: [[-1, 0], [1, 0]],
        note: "G is the way out; a step anywhere else costs 1. Arrows: left or right, each as long " +
          "as its probability at step 1. Numbers: V₁(s), in units of reward.",
      });
    }

    update() {
      this.result = infer.choice(this.settings);
      this.showSettings();
      this.bars(this.result.rho, this.result.policy, this.result.greedy);
      this.numbers(this.result);
      this.drawChart();
      this.drawChain();
      this.speak();
    }

    drawChart() {
      const { Q, rho, V, max, mean } = this.result, { temperature } = this.settings;
      const points = infer.range(121).map((i) => {
        const alpha = LOWEST * (HIGHEST / LOWEST) ** (i / 120);
        return [alpha, infer.softMax(Q, rho, alpha)];
      });
      const room = Math.max(0.1, 0.15 * (max - mean));
      this.chart.draw({
        x: [LOWEST, HIGHEST], y: [mean - room, max + room], log: true,
        curves: [{ look: "after", points }],
        levels: [{ look: "before", y: max }, { look: "quiet", y: mean }],
        marks: [{ look: "after", x: clamp(temperature, LOWEST, HIGHEST), y: V }],
        says: `V falls from ${write(max)}, the largest Q, to ${write(mean)}, the prior mean of Q, as ` +
          `the temperature grows; at α = ${temperature} it is ${write(V)}.`,
      });
    }

    drawChain() {
      const problem = infer.chain({ ...this.given.chain, temperature: this.settings.temperature });
      const { V, policy } = infer.softValues(problem);
      const right = policy[0].map((row) => row[1]);
      this.chain.write(V[0].map((v) => write(v)));
      this.chain.arrows(policy[0]);
      this.chain.describe("Chain, " + V[0].slice(1, -1).map((v, i) =>
        `cell ${i + 2}: V ${write(v)}, right with probability ${write(right[i + 1])}`).join("; ") +
        ".");
      this.chained = { value: V[0], right };
    }

    sentence() {
      const { V, max, mean, policy, greedy } = this.result;
      const tied = greedy.filter((p) => p > 0).length;
      const best = infer.sum(policy.filter((_, a) => greedy[a] > 0));
      const who = tied === 1 ? "The best action has" : `The ${tied} best actions share`;
      return `At α = ${this.settings.temperature}, V is ${write(V)}: ${write(max - V)} below the ` +
        `largest Q and ${write(V - mean)} above the prior mean. ${who} probability ${write(best)}.`;
    }
  }

  define("cai-temperature", Temperature);
})();
