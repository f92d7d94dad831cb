// <cai-conditioning>: move a problem's settings and see trajectories before and
// after conditioning on optimality. Drawing and controls; the mathematics is
// in inference.js. Without JavaScript the element shows the words inside it.
"use strict";

(function () {
  const { caiInference: infer } = globalThis;
  const COUNT = 40; // trajectories to a panel
  const SVG = "http://www.w3.org/2000/svg";
  const ACTIONS = ["↑ up", "→ right", "↓ down", "← left", "· stay"];
  const SLIDERS = [
    { name: "stepCost", label: "Cost of a step", min: 0, max: 3, step: 0.1 },
    { name: "mudCost", label: "Extra cost in mud", min: 0, max: 8, step: 0.1 },
    { name: "temperature", label: "Temperature α", min: 0.05, max: 10, log: true },
    { name: "slip", label: "Chance to slip", min: 0, max: 0.5, step: 0.01 },
    { name: "horizon", label: "Steps T", min: 1, max: 30, step: 1 },
  ];
  const NUMBERS = [
    ["logEvidence", "log p(O = 1 at every step)", "nats"],
    ["returnPrior", "expected return before", ""],
    ["returnPosterior", "expected return given optimality", ""],
    ["drawsPerOne", "weighted draws from the prior that tell as much as one draw after", ""],
  ];
  let elements = 0;

  // JSON has no -Infinity; the library writes it as "-inf".
  const parse = (text) => JSON.parse(text, (_, value) => (value === "-inf" ? -Infinity : value));
  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
  const peak = (xs) => xs.indexOf(Math.max(...xs));
  function write(x, digits = 2) {
    if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
    if (Math.abs(x) < 1e4) return x.toFixed(digits).replace(/^-(?=.*[1-9])/, "−").replace("-", "");
    const [mantissa, exponent] = x.toExponential(1).split("e");
    const raised = [...String(Number(exponent))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
    return `${mantissa.replace("-", "−")} × 10${raised.join("")}`;
  }

  function make(parent, tag, attributes = {}, text) {
    const node = document.createElementNS(
      parent instanceof SVGElement || tag === "svg" ? SVG : "http://www.w3.org/1999/xhtml", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  }

  // A slider has whole positions; on a logarithmic one equal steps are equal ratios.
  function scaleOf({ min, max, step, log }, value) {
    const low = Math.min(min, value), high = Math.max(max, value);
    const count = log ? 200 : Math.round((high - low) / step);
    const at = (i) => (log ? low * (high / low) ** (i / count) : low + (i * (high - low)) / count);
    const near = (x) => Math.round(count *
      (log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low)));
    return { count, near, at: (i) => Number(at(i).toPrecision(log ? 3 : 10)) };
  }

  class Conditioning extends HTMLElement {
    connectedCallback() {
      if (this.given) return;
      this.given = parse(this.dataset.problem);
      this.stem = `cai-${++elements}`;
      this.start();
      this.build();
      this.update();
    }

    start() {
      this.settings = { ...this.given };
      this.seed = 1;
      this.step = Math.min(3, this.given.horizon);
      const problem = this.problem();
      this.cell = Math.max(0, problem.cells.findIndex(({ mark }) => mark === "S"));
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
      if (layout) return SLIDERS;
      const perStep = Array.isArray(reward[0][0]); // such rewards fix the horizon
      return SLIDERS.filter(({ name }) =>
        name === "temperature" || (name === "horizon" && !perStep));
    }

    // ---- what is on the page -------------------------------------------------

    build() {
      this.replaceChildren();
      this.setAttribute("role", "group");
      this.setAttribute("aria-label", "Explorer: conditioning on optimality");
      const maps = make(this, "div", { class: "cai-maps" });
      this.left = this.buildMap(maps, "before", "Before: drawn from the prior",
        "A line is as thick as its weight exp(return/α), against the heaviest.");
      this.right = this.buildMap(maps, "after", "After: drawn given optimality",
        "All lines count the same.");
      const panel = make(this, "div", { class: "cai-panel" });
      this.buildSettings(make(panel, "fieldset", { class: "cai-settings" }));
      this.buildLook(make(panel, "fieldset", { class: "cai-look" }));
      this.buildNumbers(make(this, "dl", { class: "cai-numbers" }));
      this.summary = make(this, "p", { class: "cai-summary", "aria-live": "polite" });
    }

    buildMap(parent, kind, title, note) {
      const { cells } = this.problem();
      const wide = 1 + Math.max(...cells.map((c) => c.column));
      const high = 1 + Math.max(...cells.map((c) => c.row));
      const figure = make(parent, "figure", { class: `cai-map cai-${kind}` });
      make(figure, "figcaption", {}, title);
      const svg = make(figure, "svg",
        { viewBox: `-0.04 -0.04 ${wide + 0.08} ${high + 0.08}`, role: "img" });
      make(svg, "rect", { class: "cai-wall", width: wide, height: high });
      const squares = cells.map((cell, s) => this.buildCell(svg, cell, s));
      const lines = make(svg, "g", { class: "cai-lines" });
      for (const { row, column, mark } of cells)
        if (mark === "S" || mark === "G")
          make(svg, "text", { class: "cai-mark", x: column + 0.1, y: row + 0.32 }, mark);
      make(figure, "p", { class: "cai-note" },
        `${note} Shade: how likely it is there at step t.`);
      svg.addEventListener("click", ({ target }) => {
        if (target.dataset.cell) this.look({ cell: Number(target.dataset.cell) });
      });
      return { svg, squares, lines };
    }

    buildCell(svg, { row, column, mark }, s) {
      const box = { x: column, y: row, width: 1, height: 1 };
      make(svg, "rect", { class: "cai-floor", ...box });
      const shade = make(svg, "rect", { class: "cai-shade", ...box });
      if (mark === "~") {
        const wave = "q.125-.14.25 0t.25 0t.25 0";
        const d = [0.25, 0.5, 0.75].map((y) => `M${column + 0.125} ${row + y}${wave}`).join("");
        make(svg, "path", { class: "cai-mud", d });
      }
      const edge = make(svg, "rect", { class: "cai-cell", "data-cell": s, ...box });
      return { shade, edge };
    }

    buildSettings(parent) {
      make(parent, "legend", {}, "The problem");
      this.inputs = this.sliders().map((slider) => {
        const scale = scaleOf(slider, this.given[slider.name]);
        const input = this.buildSlider(parent, slider.name, slider.label, 0, scale.count, () => {
          this.settings[slider.name] = scale.at(Number(input.value));
          this.update();
        });
        return { input, show: () => this.show(input, this.settings[slider.name], scale) };
      });
      const buttons = make(parent, "div", { class: "cai-buttons" });
      make(buttons, "button", { type: "button", "data-name": "again" }, "Draw again")
        .addEventListener("click", () => { this.seed++; this.update(); });
      make(buttons, "button", { type: "button", "data-name": "reset" }, "Reset")
        .addEventListener("click", () => { this.start(); this.update(); });
    }

    buildSlider(parent, name, label, min, max, changed) {
      const id = `${this.stem}-${name}`;
      const row = make(parent, "div", { class: "cai-slider" });
      make(row, "label", { for: id }, label);
      make(row, "span", { class: "cai-value", "aria-hidden": "true" });
      const input = make(row, "input", { id, type: "range", min, max, step: 1, "data-name": name });
      input.addEventListener("input", changed);
      return input;
    }

    show(input, value, scale) {
      input.value = scale ? scale.near(value) : value;
      const text = String(Number(value.toPrecision(3)));
      input.setAttribute("aria-valuetext", text);
      input.previousSibling.textContent = text;
    }

    buildLook(parent) {
      make(parent, "legend", {}, "Look closer");
      this.time = this.buildSlider(parent, "step", "At step t", 1, this.settings.horizon,
        () => this.look({ step: Number(this.time.value) }));
      const row = make(parent, "div", { class: "cai-choice" });
      const id = `${this.stem}-cell`;
      make(row, "label", { for: id }, "In cell");
      this.choice = make(row, "select", { id, "data-name": "cell" });
      this.problem().cells.forEach((cell, s) =>
        make(this.choice, "option", { value: s }, this.nameOf(cell)));
      this.choice.addEventListener("change", () => this.look({ cell: Number(this.choice.value) }));
      this.table = make(parent, "table", { class: "cai-actions" });
      const head = make(make(this.table, "thead"), "tr");
      for (const name of ["Action", "Before", "Given optimality"])
        make(head, "th", { scope: "col" }, name);
      const body = make(this.table, "tbody");
      const names = this.given.actions || ACTIONS;
      this.bars = names.map((name) => {
        const line = make(body, "tr");
        make(line, "th", { scope: "row" }, name);
        return ["before", "after"].map((kind) => {
          const place = make(line, "td");
          make(place, "span", { class: `cai-bar cai-bar-${kind}` });
          return make(place, "data");
        });
      });
    }

    nameOf({ row, column, mark }) {
      const what = { S: ", start", G: ", goal", "~": ", mud" }[mark] || "";
      return `row ${row + 1}, column ${column + 1}${what}`;
    }

    buildNumbers(parent) {
      this.numbers = NUMBERS.map(([name, label, unit]) => {
        const item = make(parent, "div");
        make(item, "dt", {}, label);
        const place = make(item, "dd");
        const data = make(place, "data", { "data-name": name });
        if (unit) place.append(` ${unit}`);
        return data;
      });
    }

    // ---- what changes --------------------------------------------------------

    update() {
      const problem = this.problem();
      const backward = infer.backwardMessages(problem);
      const before = infer.priorMarginals(problem);
      const after = infer.smoothedMarginals(problem, backward);
      const drawn = infer.samplePrior(problem, COUNT, this.seed);
      const weight = infer.weights(problem, drawn);
      this.result = {
        problem, policy: backward.policy, before, after, drawn, weight,
        given: infer.samplePosterior(problem, COUNT, this.seed, backward),
        logEvidence: backward.logEvidence,
        returnPrior: infer.expectedReturn(problem, before.stateAction),
        returnPosterior: backward.logEvidence === -Infinity
          ? -Infinity : infer.expectedReturn(problem, after.stateAction),
        drawsPerOne: infer.drawsPerOne(problem, backward.logEvidence),
      };
      this.inputs.forEach(({ show }) => show());
      this.time.max = problem.horizon;
      this.drawLines(this.left, drawn, weight);
      this.drawLines(this.right, this.result.given, null);
      NUMBERS.forEach(([name], i) => {
        this.numbers[i].value = String(this.result[name]);
        this.numbers[i].textContent = write(this.result[name]);
      });
      this.look({});
    }

    look({ cell = this.cell, step = this.step }) {
      this.cell = cell;
      this.step = clamp(step, 1, this.settings.horizon);
      this.choice.value = String(this.cell);
      this.show(this.time, this.step);
      const { before, after, policy, problem } = this.result, t = this.step - 1;
      this.shade(this.left, before.state[t], "before");
      this.shade(this.right, after.state[t], "given optimality");
      this.bars.forEach((pair, a) =>
        [problem.actionPrior[this.cell][a], policy[t][this.cell][a]].forEach((p, i) => {
          pair[i].value = String(p);
          pair[i].textContent = write(p);
          pair[i].previousSibling.style.setProperty("--p", p);
        }));
      this.speak();
    }

    shade(map, probability, when) {
      const top = peak(probability);
      map.squares.forEach(({ shade, edge }, s) => {
        // The square root keeps a small probability visible.
        shade.style.fillOpacity = (0.75 * Math.sqrt(probability[s])).toFixed(3);
        edge.classList.toggle("cai-chosen", s === this.cell);
      });
      map.svg.setAttribute("aria-label", `Map, ${when}: at step ${this.step} most likely in ` +
        `${this.nameOf(this.result.problem.cells[top])}, probability ${write(probability[top])}.`);
    }

    drawLines(map, trajectories, weight) {
      const { cells } = this.result.problem;
      const heaviest = weight ? Math.max(...weight) : 1;
      map.lines.replaceChildren();
      trajectories.forEach(({ states }, i) => {
        const random = infer.generator(i + 1); // its own sidestep keeps a line off the others
        const dx = 0.5 + 0.6 * (random() - 0.5), dy = 0.5 + 0.6 * (random() - 0.5);
        const at = (s) => [(cells[s].column + dx).toFixed(3), (cells[s].row + dy).toFixed(3)];
        const points = states.filter((s, t) => s !== states[t - 1]).map(at);
        const share = weight ? weight[i] / heaviest : 0.35;
        const style = `--share:${(share || 0).toFixed(3)}`;
        make(map.lines, "polyline", { points: points.join(" "), style });
        const [cx, cy] = points[points.length - 1];
        make(map.lines, "circle", { cx, cy, r: 0.05, style });
      });
    }

    // Wait for the hand to rest, so that a screen reader hears one sentence, not fifty.
    speak() {
      clearTimeout(this.pending);
      const text = this.sentence();
      if (!this.summary.textContent) this.summary.textContent = text;
      else this.pending = setTimeout(() => { this.summary.textContent = text; }, 250);
    }

    sentence() {
      const { problem, policy, after, logEvidence } = this.result, t = this.step - 1;
      if (logEvidence === -Infinity)
        return "No trajectory can be optimal: a reward of minus infinity cannot be avoided.";
      const top = peak(after.state[t]), chosen = policy[t][this.cell], a = peak(chosen);
      const where = this.nameOf(problem.cells[top]);
      const names = this.given.actions || ACTIONS.map((name) => name.slice(2));
      const rest = chosen[a] === 0 ? "From the chosen cell optimality is impossible." :
        `In ${this.nameOf(problem.cells[this.cell])}, it takes “${names[a]}” with probability ` +
        `${write(chosen[a])}; before, ${write(problem.actionPrior[this.cell][a])}.`;
      return `Given optimality, at step ${this.step} the agent is most likely in ${where} ` +
        `(${write(after.state[t][top])}). ${rest}`;
    }
  }

  // Once the page is parsed: an element met earlier does not hold its fallback words yet.
  const define = () => customElements.get("cai-conditioning") ||
    customElements.define("cai-conditioning", Conditioning);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", define);
  else define();
})();
