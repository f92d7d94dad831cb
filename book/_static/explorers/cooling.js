// <cai-cooling>: a temperature that cools itself beside three that stay.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, Chart, make, write, clamp, define } = globalThis.caiElement;
  const LAST = 120; // rounds
  const FIXED = [1, 0.1, 0.01];
  const SLIDERS = [
    { name: "useless", label: "Useless actions", min: 1, max: 100, step: 1 },
    { name: "scale", label: "Rewards times", min: 0.01, max: 10, log: true },
    { name: "c", label: "VIREL's constant c", min: 0.1, max: 1000, log: true },
  ];
  const LOOKS = ["after", "before", "quiet", "other"];
  const AGENTS = [["virel", "VIREL"],
    ...FIXED.map((alpha) => [String(alpha), `α\u00a0=\u00a0${alpha}`])];
  const ROWS = [
    ["temperature", "temperature", 3],
    ["distance", "largest |Q\u00a0−\u00a0Q*|", 3],
    ["useless", "chance of a useless action", 2],
    ["regret", "regret", 3],
  ];

  class Cooling extends Explorer {
    static subject = "a temperature that cools itself beside three fixed ones";

    start() {
      super.start();
      this.step = 0;
    }

    build() {
      const charts = make(this, "div", { class: "cai-panel cai-first" });
      const legend = AGENTS.map(([, name], i) => [LOOKS[i], name]);
      const chart = (title) => new Chart(charts, { title, x: "round k", legend });
      this.distance = chart("Largest distance |Q − Q*|");
      this.temperature = chart("Temperature");
      const panel = make(this, "div", { class: "cai-panel" });
      const problem = this.panel(panel, "Round and problem");
      this.time = this.buildSlider(problem, { name: "step", label: "Round k" }, 0, LAST,
        () => this.look({ step: Number(this.time.value) }));
      this.buildSettings(problem, SLIDERS);
      this.buildReset(problem);
      const side = make(panel, "div", { class: "cai-look" });
      this.table = this.buildTable(side, "The policy of round k", ROWS, AGENTS);
      make(side, "p", { class: "cai-note" },
        "Regret: how much less than the best the policy earns from the start, discounted. The chance " +
        "is that of all useless actions together, at the start.");
    }

    update() {
      this.result = infer.coolingReadings(this.settings, FIXED, LAST);
      this.showSettings();
      this.look({});
    }

    look(changed) {
      Object.assign(this, changed);
      this.step = clamp(this.step, 0, LAST);
      this.show(this.time, this.step);
      this.now = Object.fromEntries(
        AGENTS.map(([name], i) => [name, this.result.agents[i][this.step]]));
      this.table(this.now);
      this.draw(this.distance, "distance", [1e-14, 1e2]);
      this.draw(this.temperature, "temperature", [1e-30, 1e4]);
      this.speak();
    }

    draw(chart, what, y) {
      const { agents } = this.result;
      const at = (x) => clamp(x, ...y);
      chart.draw({
        x: [0, LAST], y, logY: true,
        curves: agents.map((steps, i) =>
          ({ look: LOOKS[i], points: steps.map((step, k) => [k, at(step[what])]) })),
        marks: [{ look: "mark", x: this.step },
          { look: "after", x: this.step, y: at(agents[0][this.step][what]) }],
        says: `${chart.title} over ${LAST} rounds, on a logarithmic scale. At round ` +
          `${this.step}: ${AGENTS.map(([, name], i) =>
            `${name} ${write(agents[i][this.step][what], 3)}`).join(", ")}.`,
      });
    }

    sentence() {
      const { virel, ...fixed } = this.now;
      const of = (what) => FIXED.map((alpha) => write(fixed[alpha][what], 3)).join(", ");
      return `At round ${this.step} VIREL's temperature is ${write(virel.temperature, 3)}, its ` +
        `largest distance from Q* ${write(virel.distance, 3)} and its regret ` +
        `${write(virel.regret, 3)}. At the fixed temperatures ${FIXED.join(", ")} the distances are ` +
        `${of("distance")} and the regrets ${of("regret")}.`;
    }
  }

  define("cai-cooling", Cooling);
})();
