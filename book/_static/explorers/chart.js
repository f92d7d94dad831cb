// A chart of a few curves or columns with axes, levels and marked points. Adds to caiElement.
"use strict";

(function (element) {
  const { make, raised } = element;
  const WIDE = 360, HIGH = 210;
  const LEFT = 38, RIGHT = 12, TOP = 10, BOTTOM = 34;

  const short = (x) => (x > 0 && (x < 1e-3 || x > 1e4) ? `10${raised(Math.round(Math.log10(x)))}`
    : String(Number(x.toPrecision(3))).replace("-", "−"));

  // Round numbers between two others: about five of them, or powers of ten.
  function ticks([low, high], log) {
    if (log) {
      const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
      const step = Math.ceil((last - first + 1) / 6);
      return caiInference.range(last - first + 1)
        .filter((i) => (first + i) % step === 0).map((i) => 10 ** (first + i));
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
      this.title = title;
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
    // the text stands, to its left if it is told so and there is room. Bars are
    // { look, x: [from, to], y: [from, to] }; `at` may name places on the x axis, [x, text].
    draw({
      x, y, log = false, logY = false, at = ticks(x, log).map((v) => [v, short(v)]),
      bars = [], curves = [], levels = [], marks = [], says,
    }) {
      const share = (v, [a, b], logarithmic) =>
        (logarithmic ? Math.log(v / a) / Math.log(b / a) : (v - a) / (b - a));
      const right = WIDE - RIGHT, low = HIGH - BOTTOM;
      const px = (v) => LEFT + share(v, x, log) * (right - LEFT);
      const py = (v) => low - share(v, y, logY) * (low - TOP);
      this.drawAxes({ at, up: ticks(y, logY), px, py, low, right });
      this.ink.replaceChildren();
      for (const bar of bars) this.bar(bar, px, py);
      for (const { look, y: at } of levels) this.line(look, [[x[0], at], [x[1], at]], px, py);
      for (const { look, points } of curves) this.line(look, points, px, py);
      for (const mark of marks) this.mark(mark, px, py, low);
      this.svg.setAttribute("aria-label", says);
    }

    line(look, points, px, py) {
      const text = points.map(([a, b]) => `${px(a).toFixed(2)},${py(b).toFixed(2)}`).join(" ");
      make(this.ink, "polyline", { class: `cai-curve cai-curve-${look}`, points: text });
    }

    bar({ look, x, y }, px, py) {
      const [left, right] = x.map(px), [top, foot] = y.map(py).sort((a, b) => a - b);
      make(this.ink, "rect", { class: `cai-column cai-column-${look}`, x: left, y: top,
        width: right - left, height: foot - top });
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

    drawAxes({ at, up, px, py, low, right }) {
      this.axes.replaceChildren();
      make(this.axes, "path", { d: `M${LEFT} ${TOP}V${low}H${right}` });
      for (const [v, text] of at) {
        make(this.axes, "path", { d: `M${px(v)} ${low}v4` });
        make(this.axes, "text", { x: px(v), y: low + 15, "text-anchor": "middle" }, text);
      }
      for (const v of up) {
        make(this.axes, "path", { d: `M${LEFT - 4} ${py(v)}h4` });
        make(this.axes, "text", { x: LEFT - 6, y: py(v) + 4, "text-anchor": "end" }, short(v));
      }
    }
  }

  Object.assign(element, { Chart });
})(globalThis.caiElement);
