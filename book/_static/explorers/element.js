// What the explorers share: an element that reads its problem from data-problem, native controls
// with labels, numbers written for people, a sentence for screen readers. Without JavaScript an
// element shows the words inside it.
"use strict";

(function (root) {
  const SVG = "http://www.w3.org/2000/svg";
  let elements = 0;

  // JSON has no -Infinity; the library writes it as "-inf".
  const parse = (text) => JSON.parse(text, (_, value) => (value === "-inf" ? -Infinity : value));
  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
  const peak = (xs) => xs.indexOf(Math.max(...xs));

  // A whole number as an exponent.
  const raised = (n) =>
    [...String(n)].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");

  function write(x, digits = 2) {
    if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
    const tiny = digits > 2 && x !== 0 && Math.abs(x) < 0.5 * 10 ** -digits;
    if (Math.abs(x) < 1e4 && !tiny) return x.toFixed(digits).replace(/^-(?=.*[1-9])/, "−").replace("-", "");
    const [mantissa, exponent] = x.toExponential(1).split("e");
    return `${mantissa.replace("-", "−")} × 10${raised(Number(exponent))}`;
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

  class Explorer extends HTMLElement {
    connectedCallback() {
      if (this.given) return;
      this.given = parse(this.dataset.problem);
      this.stem = `cai-${++elements}`;
      this.inputs = [];
      this.start();
      this.replaceChildren();
      this.setAttribute("role", "group");
      this.setAttribute("aria-label", `Explorer: ${this.constructor.subject}`);
      this.build();
      this.summary = make(this, "p", { class: "cai-summary", "aria-live": "polite" });
      this.update();
    }

    // Each explorer says how it starts, what is on the page, what changes, and says it in words.
    start() { this.settings = structuredClone(this.given); }
    build() {}
    update() {}
    sentence() { return ""; }

    // ---- controls ------------------------------------------------------------

    panel(parent, legend, name = "cai-settings") {
      const field = make(parent, "fieldset", { class: name });
      make(field, "legend", {}, legend);
      return field;
    }

    // Sliders that each move one number of `settings`.
    buildSettings(parent, sliders, settings = () => this.settings, given = this.given) {
      for (const slider of sliders) {
        const scale = scaleOf(slider, given[slider.name]);
        const input = this.buildSlider(parent, slider, 0, scale.count, () => {
          settings()[slider.name] = scale.at(Number(input.value));
          this.update();
        });
        this.inputs.push(() => this.show(input, settings()[slider.name], scale));
      }
    }

    // Once the settings have changed: every slider of buildSettings shows its own.
    showSettings() { this.inputs.forEach((show) => show()); }

    buildSlider(parent, { name, label, id = name }, min, max, changed) {
      const known = `${this.stem}-${id}`;
      const row = make(parent, "div", { class: "cai-slider" });
      make(row, "label", { for: known }, label);
      make(row, "span", { class: "cai-value", "aria-hidden": "true" });
      const input = make(row, "input",
        { id: known, type: "range", min, max, step: 1, "data-name": id });
      input.addEventListener("input", changed);
      return input;
    }

    show(input, value, scale) {
      input.value = scale ? scale.near(value) : value;
      const text = String(Number(value.toPrecision(3)));
      input.setAttribute("aria-valuetext", text);
      input.previousSibling.textContent = text.replace("-", "−");
    }

    buildButton(parent, name, text, pressed) {
      const button = make(parent, "button", { type: "button", "data-name": name }, text);
      button.addEventListener("click", pressed);
      return button;
    }

    buildReset(parent) {
      const buttons = make(parent, "div", { class: "cai-buttons" });
      this.buildButton(buttons, "reset", "Reset", () => { this.start(); this.update(); });
      return buttons;
    }

    buildSelect(parent, name, label, options, changed) {
      const row = make(parent, "div", { class: "cai-choice" });
      const id = `${this.stem}-${name}`;
      make(row, "label", { for: id }, label);
      const select = make(row, "select", { id, "data-name": name });
      options.forEach((text, value) => make(select, "option", { value }, text));
      select.addEventListener("change", () => changed(Number(select.value)));
      return select;
    }

    // One of a few: `options` are pairs of a value and its label. Returns how to show a value.
    buildRadios(parent, name, legend, options, changed) {
      const field = this.panel(parent, legend, "cai-radios");
      const inputs = options.map(([value, text]) => {
        const label = make(field, "label");
        const input = make(label, "input",
          { type: "radio", name: `${this.stem}-${name}`, value, "data-name": name });
        label.append(` ${text}`);
        input.addEventListener("change", () => changed(value));
        return input;
      });
      return (value) => inputs.forEach((input) => { input.checked = input.value === value; });
    }

    buildSwitch(parent, name, text, changed) {
      const label = make(parent, "label", { class: "cai-switch" });
      const input = make(label, "input", { type: "checkbox", "data-name": name });
      label.append(` ${text}`);
      input.addEventListener("change", () => changed(input.checked));
      return input;
    }

    // ---- numbers -------------------------------------------------------------

    // `rows` are [name, label, unit, digits]. Returns how to show a value under each name.
    buildNumbers(rows) {
      const parent = make(this, "dl", { class: "cai-numbers" }), places = {};
      for (const [name, label, unit] of rows) {
        const item = make(parent, "div");
        make(item, "dt", {}, label);
        const place = make(item, "dd");
        places[name] = make(place, "data", { "data-name": name });
        if (unit) place.append(` ${unit}`);
      }
      return (values) => rows.forEach(([name, , , digits]) =>
        put(places[name], values[name], digits));
    }

    // `rows` and `columns` are pairs of a name and a label; a row may have its own digits. Returns
    // how to show values[column][row].
    buildTable(parent, caption, rows, columns, digits = 2) {
      const table = make(parent, "table", { class: "cai-actions cai-table" });
      make(table, "caption", {}, caption);
      const head = make(make(table, "thead"), "tr");
      make(head, "td");
      for (const [, label] of columns) make(head, "th", { scope: "col" }, label);
      const body = make(table, "tbody");
      const places = rows.map(([row, label]) => {
        const line = make(body, "tr");
        make(line, "th", { scope: "row" }, label);
        return columns.map(([column]) =>
          make(make(line, "td"), "data", { "data-name": `${column}-${row}` }));
      });
      return (values) => rows.forEach(([row, , own = digits], i) => columns.forEach(([column], j) =>
        put(places[i][j], values[column][row], own)));
    }

    // A table of probabilities with bars; `kinds` are pairs of a look (before, after, limit) and a
    // heading. Returns how to show one list of probabilities for each.
    buildBars(parent, names, kinds) {
      const table = make(parent, "table", { class: "cai-actions" });
      const head = make(make(table, "thead"), "tr");
      for (const name of ["Action", ...kinds.map(([, label]) => label)])
        make(head, "th", { scope: "col" }, name);
      const body = make(table, "tbody");
      const places = names.map((name) => {
        const line = make(body, "tr");
        make(line, "th", { scope: "row" }, name);
        return kinds.map(([kind]) => {
          const place = make(line, "td");
          make(place, "span", { class: `cai-bar cai-bar-${kind}` });
          return make(place, "data");
        });
      });
      return (...lists) => lists.forEach((list, i) => list.forEach((p, a) => {
        put(places[a][i], p);
        places[a][i].previousSibling.style.setProperty("--p", p);
      }));
    }

    // Wait for the hand to rest, so that a screen reader hears one sentence, not fifty.
    speak() {
      clearTimeout(this.pending);
      const text = this.sentence();
      if (!this.summary.textContent) this.summary.textContent = text;
      else this.pending = setTimeout(() => { this.summary.textContent = text; }, 250);
    }
  }

  function put(place, value, digits) {
    place.value = String(value);
    place.textContent = value === null ? "none" : write(value, digits);
  }

  // Once the page is parsed: an element met earlier does not hold its fallback words yet.
  function define(name, element) {
    const now = () => customElements.get(name) || customElements.define(name, element);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", now);
    else now();
  }

  root.caiElement = { Explorer, define, make, write, raised, clamp, peak };
})(globalThis);
