// <cai-lottery>: what a lottery is worth to each backup, against a safe choice.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, Chart, make, write, define } = globalThis.caiElement;
  const SLIDERS = [
    { name: "chance", label: "Chance to win p", min: 0, max: 1, step: 0.01 },
    { name: "gain", label: "What winning pays", min: 0.1, max: 10, step: 0.1 },
    { name: "safe", label: "What the safe choice pays", min: 0, max: 10, step: 0.1 },
    { name: "temperature", label: "Temperature α", min: 0.05, max: 10, log: true },
  ];
  const READINGS = [["exact", "Exact"], ["variational", "Variational"]];
  const ROWS = [
    ["worth", "worth of the lottery"],
    ["play", "chance to choose it"],
    ["believed", "chance to win, believed"],
    ["chance", "chance to win, true"],
    ["returnBelieved", "return believed"],
    ["returnObtained", "return obtained"],
    ["threshold", "chance p* from which it is preferred"],
  ];

  class Lottery extends Explorer {
    static subject = "a lottery against a safe choice";

    build() {
      const panel = make(this, "div", { class: "cai-panel cai-first" });
      this.chart = new Chart(panel, {
        title: "What the lottery is worth, at every chance p", x: "chance p",
        legend: [
          ["after", "exact: α log E exp(r/α)"], ["before", "variational: E r"],
          ["quiet", "the safe choice"], ["mark", "the chance p now"],
        ],
      });
      const problem = this.panel(panel, "The problem");
      this.buildSettings(problem, SLIDERS);
      this.buildReset(problem);
      this.table = this.buildTable(make(this, "div", { class: "cai-wide" }),
        "The two backups side by side", ROWS, READINGS, 3);
    }

    update() {
      this.result = infer.lotteryReadings(this.settings);
      this.showSettings();
      this.table(this.result);
      this.drawChart();
      this.speak();
    }

    drawChart() {
      const { chance, gain, safe, temperature } = this.settings, { exact, variational } = this.result;
      const points = infer.range(101).map((i) => i / 100);
      const worth = (p) => infer.softMax([gain, 0], [p, 1 - p], temperature);
      const threshold = (reading, look, left) => reading.threshold === null ? []
        : [{ look, x: reading.threshold, y: safe, text: `p* = ${write(reading.threshold)}`, left }];
      this.chart.draw({
        x: [0, 1], y: [0, 1.12 * Math.max(gain, safe)],
        curves: [
          { look: "before", points: points.map((p) => [p, p * gain]) },
          { look: "after", points: points.map((p) => [p, worth(p)]) },
        ],
        levels: [{ look: "quiet", y: safe }],
        marks: [
          { look: "mark", x: chance },
          ...threshold(exact, "after", true), ...threshold(variational, "before", false),
          { look: "after", x: chance, y: exact.worth },
          { look: "before", x: chance, y: variational.worth },
        ],
        says: `At p = ${chance} the lottery is worth ${write(exact.worth)} to exact inference and ` +
          `${write(variational.worth)} to the variational backup; the safe choice ${write(safe)}.` +
          (exact.threshold === null ? "" : ` They prefer the lottery from ` +
          `p = ${write(exact.threshold)} and p = ${write(variational.threshold)} on.`),
      });
    }

    sentence() {
      const { exact, variational } = this.result;
      return `Exact inference chooses the lottery with probability ${write(exact.play)} and believes ` +
        `that it then wins with probability ${write(exact.believed)}; the true chance is ` +
        `${write(exact.chance)}. The variational backup chooses it with probability ` +
        `${write(variational.play)}. Obtained: ${write(exact.returnObtained)} against ` +
        `${write(variational.returnObtained)}.`;
    }
  }

  define("cai-lottery", Lottery);
})();
