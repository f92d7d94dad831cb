// <cai-messages>: the messages of a gridworld, one step of the recursion at a time.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, GridMap, make, write, clamp, nameOf, sliders, define } = globalThis.caiElement;
  const PAUSE = 800; // milliseconds from one step to the next while it plays
  const KINDS = [
    ["backward", "backward: log βₜ(s)"],
    ["forward", "forward: log fₜ(s)"],
    ["product", "product: p(sₜ | O)"],
  ];
  const NUMBERS = [
    ["backward", "log βₜ(s) in the chosen cell", "nats", 3],
    ["mud", "the mud changes log βₜ(s) by", "nats", 3],
    ["goal", "the goal changes log βₜ(s) by", "nats", 3],
    ["forward", "log fₜ(s) in the chosen cell", "nats", 3],
    ["product", "p(sₜ = s | O) in the chosen cell", "", 3],
  ];

  class Messages extends Explorer {
    static subject = "messages, one step at a time";

    start() {
      super.start();
      this.stop();
      this.kind = "backward";
      this.step = this.settings.horizon + 1;
      this.cell = infer.gridworld(this.settings).cells.findIndex(({ mark }) => mark === "S");
    }

    disconnectedCallback() { this.stop(); }

    build() {
      const { cells } = infer.gridworld(this.settings);
      const maps = make(this, "div", { class: "cai-stage" });
      this.map = new GridMap(maps, cells, { title: "", chosen: (cell) => this.look({ cell }) });
      this.note = make(this.map.figure, "p", { class: "cai-note" });
      this.buildSteps(make(maps, "div", { class: "cai-look" }), cells);
      const problem = this.panel(make(this, "div", { class: "cai-wide" }), "The problem");
      this.buildSettings(problem, sliders("stepCost", "mudCost", "temperature", "slip", "horizon"));
      this.buildReset(problem);
      this.numbers = this.buildNumbers(NUMBERS);
    }

    buildSteps(parent, cells) {
      this.showKind = this.buildRadios(parent, "kind", "Message", KINDS, (kind) => this.look({ kind }));
      this.time = this.buildSlider(parent, { name: "step", label: "At step t" }, 1, this.step,
        () => this.look({ step: Number(this.time.value) }));
      const buttons = make(parent, "div", { class: "cai-buttons" });
      const by = (change) => () => this.look({ step: this.step + change });
      this.back = this.buildButton(buttons, "back", "◀ t − 1", by(-1));
      this.on = this.buildButton(buttons, "on", "t + 1 ▶", by(1));
      this.player = this.buildButton(buttons, "play", "Play", () => this.play());
      this.choice = this.buildSelect(parent, "cell", "In cell", cells.map(nameOf),
        (cell) => this.look({ cell }));
    }

    // ---- playing ---------------------------------------------------------------

    // The way the shown message is passed: the backward one from the end, the others from step 1.
    way() {
      const last = this.settings.horizon + 1;
      const ends = { from: 1, to: last, change: 1 };
      return this.kind === "backward" ? { from: last, to: 1, change: -1 } : ends;
    }

    play() {
      if (this.playing) return this.look({});
      const { from, to, change } = this.way();
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.look({ step: to });
      let step = this.step === to ? from - change : this.step;
      const next = () => {
        step += change;
        this.look({ step }, step !== to);
      };
      next();
      if (step === to) return;
      this.playing = setInterval(next, PAUSE);
      this.sayPlay();
    }

    stop() {
      clearInterval(this.playing);
      this.playing = null;
    }

    sayPlay() {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.player.textContent = this.playing ? "Pause" : still ? "To the last step" : "Play";
    }

    // ---- what changes ----------------------------------------------------------

    update() {
      this.result = infer.messagesOf(this.settings);
      const { problem, backward } = this.result;
      Object.assign(this.result, infer.owed(this.settings, backward));
      this.heard = { mud: infer.heard(problem, "~"), goal: infer.heard(problem, "G") };
      this.showSettings();
      this.time.max = this.settings.horizon + 1;
      this.look({});
    }

    look({ cell = this.cell, step = this.step, kind = this.kind }, playing = false) {
      if (!playing) this.stop();
      Object.assign(this, { cell, kind, step: clamp(step, 1, this.settings.horizon + 1) });
      this.showKind(kind);
      this.choice.value = String(cell);
      this.show(this.time, this.step);
      this.back.disabled = this.step === 1;
      this.on.disabled = this.step === this.settings.horizon + 1;
      const t = this.step - 1, at = (rows) => rows[t][cell];
      const { backward, forward, product, mud, goal } = this.result;
      this.numbers({
        backward: at(backward), mud: at(mud), goal: at(goal), forward: at(forward),
        product: at(product),
      });
      this.draw(this.result[kind][t], t);
      this.sayPlay();
      this.speak();
    }

    draw(values, t) {
      const product = this.kind === "product";
      const policy = this.kind === "forward" ? null : this.result.policy[t] || null;
      const finite = values.filter(Number.isFinite);
      const low = Math.min(...finite), high = Math.max(...finite), range = high - low;
      const share = (x) => (Number.isFinite(x) && range > 1e-12 ? (x - low) / range : 0);
      this.map.figure.className = `cai-map cai-numbered cai-${this.kind === "forward" ? "before" : "after"}`;
      const [, name] = KINDS.find(([kind]) => kind === this.kind);
      this.map.title.textContent = `${name[0].toUpperCase()}${name.slice(1)}, t = ${this.step}`;
      this.note.textContent = product
        ? "The stronger the colour, the likelier. No number: below 0.005."
        : "In nats. The stronger the colour, the higher at this step.";
      if (policy) this.note.textContent +=
        " Arrows: the policy of step t, as long as their probability; a dot for staying.";
      this.map.shade(product ? values.map(Math.sqrt) : values.map(share));
      const digits = product ? 2 : Math.abs(low) < 100 ? 1 : 0;
      this.map.write(values.map((x) => (product && x < 0.005 ? "" : write(x, digits))));
      this.map.arrows(policy);
      this.map.choose(this.cell);
      const { cells } = this.result.problem;
      const top = values.indexOf(Math.max(...values));
      this.map.describe(range > 1e-12
        ? `Map at step ${this.step}: ${this.kind} message highest in ${nameOf(cells[top])}, ` +
          `${write(values[top])}; lowest finite ${write(low)}.`
        : `Map at step ${this.step}: ${this.kind} message ${write(high)} in every cell it reaches.`);
    }

    sentence() {
      const t = this.step - 1, { backward, forward, product, mud, goal, problem } = this.result;
      const where = nameOf(problem.cells[this.cell]), left = problem.horizon + 1 - this.step;
      const heard = [["mud", mud], ["goal", goal]].map(([name, change]) =>
        `has ${this.heard[name][t][this.cell] ? "" : "not "}heard of the ${name}` +
        (this.heard[name][t][this.cell] && change[t][this.cell] === 0 ? ", too faintly to show" : ""));
      const message = `log β is ${write(backward[t][this.cell])} nats in ${where}: with ${left} ` +
        `${left === 1 ? "step" : "steps"} to go it ${heard.join(" and ")}.`;
      if (this.kind === "backward") return `At step ${this.step}, ${message}`;
      return `At step ${this.step}, in ${where}, log f is ${write(forward[t][this.cell])} nats and ` +
        `p(s | O) is ${write(product[t][this.cell])}. There, ${message}`;
    }
  }

  define("cai-messages", Messages);
})();
