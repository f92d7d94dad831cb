// <cai-cliff>: a slippery walk along a cliff: what an agent believes, and what happens to it.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const { Explorer, GridMap, make, write, clamp, sliders, define } = globalThis.caiElement;
  const COUNT = 40; // walks to a picture
  const READINGS = [["exact", "Exact"], ["variational", "Variational"]];
  const AGENTS = [["exact", "exact inference"], ["variational", "the variational backup"]];
  const PICTURES = [["believed", "what the agent believes"], ["happens", "what happens"]];
  const INKS = [["walks", `${COUNT} walks`], ["arrows", "the policy at step t"]];
  const ROWS = [
    ["returnBelieved", "return believed"],
    ["returnObtained", "return obtained"],
    ["fallsBelieved", "chance to fall, believed"],
    ["fallsHappen", "chance to fall, true"],
  ];

  class Cliff extends Explorer {
    static subject = "what an agent believes on a cliff, and what happens";

    start() {
      super.start();
      Object.assign(this, { reading: "exact", picture: "believed", ink: "walks", seed: 1 });
      this.step = Math.min(5, this.settings.horizon);
    }

    build() {
      const stage = make(this, "div", { class: "cai-stage" });
      this.map = new GridMap(stage, infer.cliff(this.settings).cells, {
        title: "", note: "Hatched: the cliff. Shade: how likely it is there at step t. A walk that " +
          "falls ends in the cliff. In the arrows, a dot is for staying.",
      });
      const side = make(stage, "div", { class: "cai-look" });
      const choose = (name, legend, options) =>
        this.buildRadios(side, name, legend, options, (value) => this.look({ [name]: value }));
      this.shown = {
        picture: choose("picture", "Show", PICTURES),
        reading: choose("reading", "For the agent of", AGENTS),
        ink: choose("ink", "Draw", INKS),
      };
      this.time = this.buildSlider(side, { name: "step", label: "At step t" }, 1,
        this.settings.horizon, () => this.look({ step: Number(this.time.value) }));
      const panel = make(this, "div", { class: "cai-panel" });
      const problem = this.panel(panel, "The problem");
      this.buildSettings(problem, sliders("slip", "temperature", "cliffCost", "horizon"));
      const buttons = this.buildReset(problem);
      buttons.prepend(this.buildButton(buttons, "again", "Draw again",
        () => { this.seed++; this.look({}); }));
      this.table = this.buildTable(panel, "Believed and obtained", ROWS, READINGS, 3);
    }

    update() {
      this.result = infer.cliffReadings(this.settings);
      this.showSettings();
      this.time.max = this.settings.horizon;
      const { exact, variational } = this.result;
      this.table({ exact: exact.numbers, variational: variational.numbers });
      this.look({});
    }

    look(changed) {
      Object.assign(this, changed);
      this.step = clamp(this.step, 1, this.settings.horizon);
      for (const [name, show] of Object.entries(this.shown)) show(this[name]);
      this.show(this.time, this.step);
      this.draw();
      this.speak();
    }

    draw() {
      const { problem } = this.result, reading = this.result[this.reading], t = this.step - 1;
      const believes = this.picture === "believed";
      const state = reading[this.picture][t].map(infer.sum);
      this.map.figure.className = `cai-map cai-${believes ? "after" : "before"}`;
      this.map.title.textContent = believes ? "What the agent believes" : "What happens";
      this.map.shadeProbability(state.slice(0, -1),
        `${believes ? "believed" : "true"}: at step ${this.step}`);
      const walks = believes ? reading.imagine(COUNT, this.seed)
        : infer.samplePolicy(problem, reading.policy, COUNT, this.seed);
      this.map.lines(this.ink === "walks" ? walks : [], null);
      this.map.arrows(this.ink === "arrows" ? reading.policy[t] : null);
    }

    sentence() {
      const [, name] = AGENTS.find(([reading]) => reading === this.reading);
      const { returnBelieved, returnObtained, fallsBelieved, fallsHappen } =
        this.result[this.reading].numbers;
      return `The agent of ${name} believes in a return of ${write(returnBelieved)} and a chance to ` +
        `fall of ${write(fallsBelieved)}. What happens: ${write(returnObtained)} and ` +
        `${write(fallsHappen)}.`;
    }
  }

  define("cai-cliff", Cliff);
})();
