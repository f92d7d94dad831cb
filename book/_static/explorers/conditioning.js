// <cai-conditioning>: move a problem's settings and see trajectories before and
// after conditioning on optimality.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const {
    Explorer, GridMap, ACTIONS, make, write, clamp, peak, nameOf, sliders, define,
  } = globalThis.caiElement;
  const COUNT = 40; // trajectories to a panel
  const NUMBERS = [
    ["logEvidence", "log p(O = 1 at every step)", "nats"],
    ["returnPrior", "expected return before", ""],
    ["returnPosterior", "expected return given optimality", ""],
    ["drawsPerOne", "weighted draws from the prior that tell as much as one draw after", ""],
  ];

  class Conditioning extends Explorer {
    static subject = "conditioning on optimality";

    start() {
      this.settings = { ...this.given };
      this.seed = 1;
      this.step = Math.min(3, this.given.horizon);
      this.cell = Math.max(0, this.problem().cells.findIndex(({ mark }) => mark === "S"));
    }

    problem() {
      if (this.given.layout) return infer.gridworld(this.settings);
      const { columns, initial } = this.given;
      const cells = initial.map((p, s) =>
        ({ row: Math.floor(s / columns), column: s % columns, mark: p > 0 ? "S" : "." }));
      return { ...this.settings, cells };
    }

    sliders() {
      const { layout, reward } = this.given;
      if (layout) return sliders("stepCost", "mudCost", "temperature", "slip", "horizon");
      const perStep = Array.isArray(reward[0][0]); // such rewards fix the horizon
      return sliders("temperature", ...(perStep ? [] : ["horizon"]));
    }

    build() {
      const { cells } = this.problem();
      const chosen = (cell) => this.look({ cell });
      const shade = "Shade: how likely it is there at step t.";
      const maps = make(this, "div", { class: "cai-maps" });
      this.left = new GridMap(maps, cells, {
        kind: "before", title: "Before: drawn from the prior", chosen,
        note: `A line is as thick as its weight exp(return/α), against the heaviest. ${shade}`,
      });
      this.right = new GridMap(maps, cells, {
        kind: "after", title: "After: drawn given optimality", chosen,
        note: `All lines count the same. ${shade}`,
      });
      const panel = make(this, "div", { class: "cai-panel" });
      const problem = this.panel(panel, "The problem");
      this.buildSettings(problem, this.sliders());
      const buttons = this.buildReset(problem);
      buttons.prepend(this.buildButton(buttons, "again", "Draw again",
        () => { this.seed++; this.update(); }));
      this.buildLook(this.panel(panel, "Look closer", "cai-look"), cells);
      this.numbers = this.buildNumbers(NUMBERS);
    }

    buildLook(parent, cells) {
      this.time = this.buildSlider(parent, { name: "step", label: "At step t" }, 1,
        this.settings.horizon, () => this.look({ step: Number(this.time.value) }));
      this.choice = this.buildSelect(parent, "cell", "In cell", cells.map(nameOf),
        (cell) => this.look({ cell }));
      this.bars = this.buildBars(parent, this.given.actions || ACTIONS,
        [["before", "Before"], ["after", "Given optimality"]]);
    }

    update() {
      const problem = this.problem();
      const backward = infer.backwardMessages(problem);
      const before = infer.priorMarginals(problem);
      const after = infer.smoothedMarginals(problem, backward);
      const drawn = infer.samplePrior(problem, COUNT, this.seed);
      this.result = { problem, policy: backward.policy, before, after, ...backward };
      this.showSettings();
      this.time.max = problem.horizon;
      this.left.lines(drawn, infer.weights(problem, drawn));
      this.right.lines(infer.samplePosterior(problem, COUNT, this.seed, backward), null);
      this.numbers({
        logEvidence: backward.logEvidence,
        returnPrior: infer.expectedReturn(problem, before.stateAction),
        returnPosterior: backward.logEvidence === -Infinity
          ? -Infinity : infer.expectedReturn(problem, after.stateAction),
        drawsPerOne: infer.drawsPerOne(problem, backward.logEvidence),
      });
      this.look({});
    }

    look({ cell = this.cell, step = this.step }) {
      this.cell = cell;
      this.step = clamp(step, 1, this.settings.horizon);
      this.choice.value = String(this.cell);
      this.show(this.time, this.step);
      const { before, after, policy, problem } = this.result, t = this.step - 1;
      this.left.shadeProbability(before.state[t], `before: at step ${this.step}`);
      this.right.shadeProbability(after.state[t], `given optimality: at step ${this.step}`);
      for (const map of [this.left, this.right]) map.choose(this.cell);
      this.bars(problem.actionPrior[this.cell], policy[t][this.cell]);
      this.speak();
    }

    sentence() {
      const { problem, policy, after, logEvidence } = this.result, t = this.step - 1;
      if (logEvidence === -Infinity)
        return "No trajectory can be optimal: a reward of minus infinity cannot be avoided.";
      const top = peak(after.state[t]), chosen = policy[t][this.cell], a = peak(chosen);
      const where = nameOf(problem.cells[top]);
      const names = this.given.actions || ACTIONS.map((name) => name.slice(2));
      const rest = chosen[a] === 0 ? "From the chosen cell optimality is impossible." :
        `In ${nameOf(problem.cells[this.cell])}, it takes “${names[a]}” with probability ` +
        `${write(chosen[a])}; before, ${write(problem.actionPrior[this.cell][a])}.`;
      return `Given optimality, at step ${this.step} the agent is most likely in ${where} ` +
        `(${write(after.state[t][top])}). ${rest}`;
    }
  }

  define("cai-conditioning", Conditioning);
})();
