// <cai-cone>: the two messages on a line and their product: a cone that closes only with a goal.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, Chart, make, write, clamp, peak, define } = globalThis.caiElement;
  const WIDE = 240, HIGH = 140;
  const SLIDERS = [
    { name: "goal", label: "Goal, cell", min: 1, step: 1 },
    { name: "temperature", label: "Temperature α", min: 0.05, max: 10, log: true },
    { name: "stay", label: "Prior chance to stay", min: 0, max: 0.9, step: 0.02 },
    { name: "horizon", label: "Steps T", min: 2, max: 40, step: 1 },
  ];
  const PANELS = [
    ["forward", "before", "Forward: fₜ(s)", "where it may have got to"],
    ["backward", "quiet", "Backward: βₜ(s)", "from where the end goes well; against its largest"],
    ["product", "after", "Product: p(sₜ | O)", "both at once"],
  ];
  const NUMBERS = [
    ["widest", "largest spread of the product", "cells"],
    ["widestAt", "at step t", "", 0],
    ["last", "spread of the product at step T", "cells"],
    ["lastForward", "spread of the forward message at step T", "cells"],
  ];

  // Time goes to the right, the line upwards.
  class Heat {
    constructor(parent, look, title, note) {
      const figure = make(parent, "figure", { class: `cai-map cai-${look}` });
      make(figure, "figcaption", {}, title);
      this.svg = make(figure, "svg", { viewBox: `-14 0 ${WIDE + 28} ${HIGH + 18}`, role: "img" });
      make(this.svg, "rect", { class: "cai-floor", width: WIDE, height: HIGH });
      this.cells = make(this.svg, "g");
      make(this.svg, "text", { class: "cai-axis", x: 2, y: HIGH + 14 }, "t = 1");
      this.end = make(this.svg, "text",
        { class: "cai-axis", x: WIDE - 2, y: HIGH + 14, "text-anchor": "end" });
      this.marks = ["S", "G"].map((text) => make(this.svg, "text", { class: "cai-sign" }, text));
      make(figure, "p", { class: "cai-note" }, note);
    }

    draw(rows, start, goal, says) {
      const w = WIDE / rows.length, h = HIGH / rows[0].length, rise = (s) => HIGH - (s + 1) * h;
      this.cells.replaceChildren();
      rows.forEach((row, t) => row.forEach((share, s) => {
        if (share < 1e-4) return;
        const box = { x: t * w, y: rise(s), width: w, height: h };
        for (const side in box) box[side] = box[side].toFixed(2);
        const style = `fill-opacity:${(0.9 * Math.sqrt(share)).toFixed(3)}`;
        make(this.cells, "rect", { class: "cai-heat", ...box, style });
      }));
      [[start, -12], [goal, WIDE + 3]].forEach(([s, x], i) => {
        this.marks[i].setAttribute("visibility", s === null ? "hidden" : "visible");
        this.marks[i].setAttribute("x", x);
        this.marks[i].setAttribute("y", clamp(rise(s) + h / 2 + 4, 10, HIGH));
      });
      this.end.textContent = `t = ${rows.length}`;
      this.svg.setAttribute("aria-label", says);
    }
  }

  class Cone extends Explorer {
    static subject = "the cone of forward and backward messages";

    // On the page cells are counted from 1.
    start() {
      super.start();
      const { cells, goal } = this.given;
      this.hasGoal = goal !== null;
      this.settings.goal = 1 + (goal ?? Math.floor(cells / 2));
    }

    build() {
      const maps = make(this, "div", { class: "cai-maps cai-three" });
      this.heats = PANELS.map(([, ...panel]) => new Heat(maps, ...panel));
      const panel = make(this, "div", { class: "cai-panel" });
      this.chart = new Chart(panel, {
        title: "Spread along the way", x: "step t",
        legend: [
          ["after", "standard deviation of the product"], ["before", "of the forward message"],
        ],
      });
      const problem = this.panel(panel, "The problem");
      this.goal = this.buildSwitch(problem, "hasGoal", "Missing the goal at step T costs 1",
        (on) => { this.hasGoal = on; this.update(); });
      const { cells } = this.given;
      const moved = SLIDERS.map((slider) => ({ max: cells, ...slider }));
      this.buildSettings(problem, moved, () => this.settings, this.settings);
      this.buildReset(problem);
      this.numbers = this.buildNumbers(NUMBERS);
    }

    update() {
      const goal = this.hasGoal ? this.settings.goal - 1 : null;
      this.result = infer.cone({ ...this.settings, goal });
      this.showSettings();
      this.goal.checked = this.hasGoal;
      this.querySelector('[data-name="goal"]').disabled = !this.hasGoal;
      this.drawHeats(goal);
      this.drawSpread();
      this.speak();
    }

    drawHeats(goal) {
      PANELS.forEach(([name, , title], i) => {
        const rows = this.result[name], middle = rows[Math.floor(rows.length / 2)];
        const from = 1 + middle.findIndex((x) => x > 0.01);
        const to = middle.length - [...middle].reverse().findIndex((x) => x > 0.01);
        this.heats[i].draw(rows, this.settings.start, goal,
          `${title}: time to the right, the line upwards. Half way, more than 0.01 from cell ` +
          `${from} to cell ${to}.`);
      });
    }

    drawSpread() {
      const { product, forward } = this.result.spread;
      const points = (rows) => rows.map((x, t) => [t + 1, x]);
      const widest = peak(product), T = product.length;
      this.widest = widest + 1;
      this.numbers({
        widest: product[widest], widestAt: this.widest,
        last: product[T - 1], lastForward: forward[T - 1],
      });
      this.chart.draw({
        x: [1, T], y: [0, Math.max(1, ...forward, ...product) * 1.08],
        curves: [
          { look: "before", points: points(forward) }, { look: "after", points: points(product) },
        ],
        marks: [{ look: "after", x: this.widest, y: product[widest] }],
        says: `The spread of the product is largest at step ${this.widest}, ` +
          `${write(product[widest])} cells, and ${write(product[T - 1])} at step ${T}; that of the ` +
          `forward message is then ${write(forward[T - 1])}.`,
      });
    }

    sentence() {
      const { product, forward } = this.result.spread, T = product.length;
      const how = this.hasGoal ? "With the goal" : "Without a goal";
      return `${how}, the place at step ${this.widest} is the least certain: it spreads over ` +
        `${write(product[this.widest - 1])} cells, at step ${T} over ${write(product[T - 1])}. ` +
        `Seen from the start alone it would spread over ${write(forward[T - 1])} at step ${T}.`;
    }
  }

  define("cai-cone", Cone);
})();
