// <cai-gap>: the bound closing over soft policy iteration, down to what luck leaves.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, GridMap, Chart, make, write, clamp, sliders, define } = globalThis.caiElement;
  const LAST = 8; // improvements
  const SHOWN = [
    ["now", "after k improvements"], ["best", "the best policy"],
    ["posterior", "a policy that acts as the posterior does"],
  ];
  const COLUMNS = [["now", "After k"], ["best", "Best"], ["posterior", "As posterior"]];
  const ROWS = [
    ["elbo", "ELBO"], ["policy", "+ policy's share"], ["luck", "+ luck's share"],
    ["total", "= log p(O), nats"],
  ];

  class Gap extends Explorer {
    static subject = "what separates the bound from log p(O) over soft policy iteration";

    start() {
      super.start();
      Object.assign(this, { step: 0, shown: "now" });
    }

    build() {
      const stage = make(this, "div", { class: "cai-panel cai-first" });
      this.chart = new Chart(stage, {
        title: "From the ELBO up to log p(O)", x: "improvements k; p: as the posterior",
        legend: [
          ["column-after", "policy's share"], ["column-before", "luck's share"],
          ["mark", "log p(O)"], ["quiet", "ELBO of the best policy"],
        ],
      });
      make(this.chart.figure, "p", { class: "cai-note" },
        "In nats. The foot of a column is the ELBO of that policy. Between the foot and the dotted " +
        "line lies what a better policy can mend; above the dotted line, what none can.");
      const side = make(stage, "div", { class: "cai-look" });
      this.time = this.buildSlider(side, { name: "step", label: "Improvements k" }, 0, LAST,
        () => this.look({ step: Number(this.time.value), shown: "now" }));
      this.table = this.buildTable(side, "The bound and its gap", ROWS, COLUMNS, 3);
      const panel = make(this, "div", { class: "cai-panel" });
      this.map = new GridMap(panel, infer.cliff(this.settings).cells, {
        title: "", note: "Shade: the share of all steps. Arrows: the policy at step 1. Hatched: the " +
          "cliff, whose ground is not on the map.",
      });
      const problem = make(panel, "div");
      this.choose = this.buildRadios(problem, "shown", "On the map", SHOWN,
        (shown) => this.look({ shown }));
      const settings = this.panel(problem, "The problem");
      this.buildSettings(settings, sliders("slip", "temperature", "cliffCost"));
      this.buildReset(settings);
    }

    update() {
      this.result = infer.gapReadings(this.settings, LAST);
      this.showSettings();
      this.look({});
    }

    look(changed) {
      Object.assign(this, changed);
      this.step = clamp(this.step, 0, LAST);
      this.show(this.time, this.step);
      this.choose(this.shown);
      const { steps, best, posterior } = this.result;
      this.rows = { now: steps[this.step], best, posterior };
      this.table(this.rows);
      this.drawMap(this.rows[this.shown]);
      this.drawChart();
      this.speak();
    }

    drawMap({ share, acts }) {
      const [, name] = SHOWN.find(([shown]) => shown === this.shown);
      this.map.title.textContent = this.shown === "now" ? `After ${times(this.step)}`
        : `${name[0].toUpperCase()}${name.slice(1)}`;
      this.map.shadeProbability(share.slice(0, -1), "share of the steps:");
      this.map.arrows(acts);
    }

    drawChart() {
      const { steps, best, posterior, logEvidence } = this.result, places = [...steps, posterior];
      const foot = Math.min(...places.map(({ elbo }) => elbo));
      const room = Math.max(0.06 * (logEvidence - foot), 0.05);
      const at = (i) => (i > LAST ? i + 0.4 : i);
      const chosen = this.shown === "posterior" ? LAST + 1 : this.step;
      const columns = places.flatMap(({ elbo, policy, total }, i) => {
        const x = [at(i) - 0.36, at(i) + 0.36], pale = i === chosen ? "" : "-pale";
        return [
          { look: `after${pale}`, x, y: [elbo, elbo + policy] },
          { look: `before${pale}`, x, y: [elbo + policy, total] },
        ];
      });
      const { elbo, policy, luck } = places[chosen];
      this.chart.draw({
        x: [-0.6, LAST + 2], y: [foot - room, logEvidence + room],
        at: places.map((_, i) => [at(i), i > LAST ? "p" : String(i)]),
        bars: columns,
        levels: [{ look: "mark", y: logEvidence }, { look: "quiet", y: best.elbo }],
        says: `The column stands on the ELBO, ${write(elbo)}; the policy's share is ` +
          `${write(policy)}, luck's share ${write(luck)}; together they reach log p(O), ` +
          `${write(logEvidence)}. The best policy's ELBO is ${write(best.elbo)}.`,
      });
    }

    sentence() {
      const { best, posterior, logEvidence } = this.result, { elbo, policy, luck } = this.rows.now;
      const left = logEvidence - best.elbo, none = left < 1e-9 * (1 - logEvidence);
      return `After ${times(this.step)} the ELBO is ${write(elbo)} nats, ` +
        `${write(logEvidence - elbo)} below log p(O): the policy's share is ${write(policy)} and ` +
        `luck's share ${write(luck)}. A better policy could mend ${write(best.elbo - elbo)} of it; ` +
        (none ? "nothing remains: the best policy acts as the posterior does."
          : `${write(left)} remain for any policy. Acting as the posterior does leaves ` +
          `${write(logEvidence - posterior.elbo)}, all of it luck.`);
    }
  }

  const times = (k) => `${k} ${k === 1 ? "improvement" : "improvements"}`;

  define("cai-gap", Gap);
})();
