// A chart of a few curves with axes, levels and marked points. Adds to caiElement.
"use strict";

(function (element) {
  const { make } = element;
  const WIDE = 360, HIGH = 210;
  const LEFT = 38, RIGHT = 12, TOP = 10, BOTTOM = 34;

  const short = (x) => String(Number(x.toPrecision(3))).replace("-", "−");

  // Round numbers between two others: about five of them, or the powers of ten.
  function ticks([low, high], log) {
    if (log) {
      const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
      return caiInference.range(last - first + 1).map((i) => 10 ** (first + i));
    }
    const rough = (high - low) / 5, ten = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * ten).find((m) => m >= rough - 1e-12);
    const first = Math.ceil(low / step - 1e-9);
    const count = Math.floor(high / step + 1e-9) - first + 1;
    return caiInference.range(count).map((i) => (first + i) * step);
  }

  class Chart {
    // `legend` holds pairs of a look (after, before, quiet) and what is drawn so.
    constructor(parent, { title, x, legend }) {
      this.figure = make(parent, "figure", { class: "cai-chart" });
      make(this.figure, "figcaption", {}, title);
      this.svg = make(this.figure, "svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
      this.axes = make(this.svg, "g", { class: "cai-axes" });
      make(this.svg, "text",
        { class: "cai-axis", x: WIDE - RIGHT, y: HIGH - 4, "text-anchor": "end" }, x);
      this.ink = make(this.svg, "g");
      const list = make(this.figure, "ul", { class: "cai-legend" });
      for (const [look, text] of legend) {
        const item = make(list, "li");
        make(item, "span", { class: `cai-key cai-key-${look}` });
        item.append(text);
      }
    }

    // Curves are { look, points: [[x, y], …] }, levels { look, y }, marks { look, x, y }: a point, or
    // a line on the whole height if there is no y. A mark with a text is dropped to the axis, where
    // the text stands, to its left if it is told so and there is room.
    draw({ x, y, log = false, curves = [], levels = [], marks = [], says }) {
      const of = (v) => (log ? Math.log(v) : v);
      const right = WIDE - RIGHT, low = HIGH - BOTTOM;
      const px = (v) => LEFT + ((of(v) - of(x[0])) / (of(x[1]) - of(x[0]))) * (right - LEFT);
      const py = (v) => low - ((v - y[0]) / (y[1] - y[0])) * (low - TOP);
      this.drawAxes({ x, y, log, px, py, low, right });
      this.ink.replaceChildren();
      for (const { look, y: at } of levels) this.line(look, [[x[0], at], [x[1], at]], px, py);
      for (const { look, points } of curves) this.line(look, points, px, py);
      for (const mark of marks) this.mark(mark, px, py, low);
      this.svg.setAttribute("aria-label", says);
    }

    line(look, points, px, py) {
      const text = points.map(([a, b]) => `${px(a).toFixed(2)},${py(b).toFixed(2)}`).join(" ");
      make(this.ink, "polyline", { class: `cai-curve cai-curve-${look}`, points: text });
    }

    mark({ look, x, y, text, left = false }, px, py, low) {
      const at = px(x), top = y === undefined ? TOP : py(y);
      if (text || y === undefined)
        make(this.ink, "line",
          { class: `cai-drop cai-curve-${look}`, x1: at, x2: at, y1: low, y2: top });
      if (y !== undefined)
        make(this.ink, "circle", { class: `cai-dot cai-dot-${look}`, cx: at, cy: top, r: 5 });
      if (!text) return;
      const before = at > WIDE * 0.8 || (left && at > LEFT + 64);
      make(this.ink, "text", {
        class: "cai-said", x: at + (before ? -5 : 5), y: low - (left ? 21 : 6),
        "text-anchor": before ? "end" : "start",
      }, text);
    }

    drawAxes({ x, y, log, px, py, low, right }) {
      this.axes.replaceChildren();
      make(this.axes, "path", { d: `M${LEFT} ${TOP}V${low}H${right}` });
      for (const v of ticks(x, log)) {
        make(this.axes, "path", { d: `M${px(v)} ${low}v4` });
        make(this.axes, "text", { x: px(v), y: low + 15, "text-anchor": "middle" }, short(v));
      }
      for (const v of ticks(y, false)) {
        make(this.axes, "path", { d: `M${LEFT - 4} ${py(v)}h4` });
        make(this.axes, "text", { x: LEFT - 6, y: py(v) + 4, "text-anchor": "end" }, short(v));
      }
    }
  }

  Object.assign(element, { Chart });
})(globalThis.caiElement);
