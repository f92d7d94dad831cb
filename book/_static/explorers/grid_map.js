// A map of cells: shades, numbers, arrows of a policy and trajectories on it. Adds to caiElement.
"use strict";

(function (element) {
  const { make, peak } = element;
  const ACTIONS = ["↑ up", "→ right", "↓ down", "← left", "· stay"];
  const MOVES = [[0, -1], [1, 0], [0, 1], [-1, 0], [0, 0]]; // x and y, y downwards
  const SLIDERS = {
    stepCost: { label: "Cost of a step", min: 0, max: 3, step: 0.1 },
    mudCost: { label: "Extra cost in mud", min: 0, max: 8, step: 0.1 },
    cliffCost: { label: "Extra cost of a fall", min: 0, max: 30, step: 0.5 },
    temperature: { label: "Temperature α", min: 0.05, max: 10, log: true },
    slip: { label: "Chance to slip", min: 0, max: 0.5, step: 0.01 },
    horizon: { label: "Steps T", min: 1, max: 30, step: 1 },
  };
  const sliders = (...names) => names.map((name) => ({ name, ...SLIDERS[name] }));

  function nameOf({ row, column, mark }) {
    const what = { S: ", start", G: ", goal", "~": ", mud", x: ", cliff" }[mark] || "";
    return `row ${row + 1}, column ${column + 1}${what}`;
  }

  class GridMap {
    // `chosen` is called with the state of a cell that is clicked.
    constructor(parent, cells, { kind = "after", title, note, chosen, moves = MOVES }) {
      const wide = 1 + Math.max(...cells.map((c) => c.column));
      const high = 1 + Math.max(...cells.map((c) => c.row));
      Object.assign(this, { cells, moves });
      this.figure = make(parent, "figure", { class: `cai-map cai-${kind}` });
      this.title = make(this.figure, "figcaption", {}, title);
      this.svg = make(this.figure, "svg",
        { viewBox: `-0.04 -0.04 ${wide + 0.08} ${high + 0.08}`, role: "img" });
      make(this.svg, "rect", { class: "cai-wall", width: wide, height: high });
      this.squares = cells.map((cell, s) => this.square(cell, s, Boolean(chosen)));
      this.paths = make(this.svg, "g", { class: "cai-lines" });
      this.heads = make(this.svg, "g", { class: "cai-arrows" });
      for (const { row, column, mark } of cells)
        if (mark === "S" || mark === "G")
          make(this.svg, "text", { class: "cai-mark", x: column + 0.1, y: row + 0.32 }, mark);
      this.numbers = cells.map(({ row, column }) => make(this.svg, "text",
        { class: "cai-number", x: column + 0.5, y: row + 0.92 }));
      if (note) make(this.figure, "p", { class: "cai-note" }, note);
      if (chosen) this.svg.addEventListener("click", ({ target }) => {
        if (target.dataset.cell) chosen(Number(target.dataset.cell));
      });
    }

    square({ row, column, mark }, s, active) {
      const box = { x: column, y: row, width: 1, height: 1 };
      make(this.svg, "rect", { class: "cai-floor", ...box });
      const shade = make(this.svg, "rect", { class: "cai-shade", ...box });
      if (mark === "~") {
        const wave = "q.125-.14.25 0t.25 0t.25 0";
        const d = [0.25, 0.5, 0.75].map((y) => `M${column + 0.125} ${row + y}${wave}`).join("");
        make(this.svg, "path", { class: "cai-mud", d });
      }
      if (mark === "x") {
        const d = [0.25, 0.5, 0.75, 1].map((x) => `M${column + x} ${row}l-.25 1`).join("");
        make(this.svg, "path", { class: "cai-mud", d });
      }
      const edge = make(this.svg, "rect",
        { class: active ? "cai-cell" : "cai-edge", "data-cell": s, ...box });
      return { shade, edge };
    }

    // What the picture shows, for a reader who does not see it.
    describe(text) { this.svg.setAttribute("aria-label", text); }

    choose(s) {
      this.squares.forEach(({ edge }, i) => edge.classList.toggle("cai-chosen", i === s));
    }

    // `share` in [0, 1] for each cell.
    shade(share) {
      this.squares.forEach(({ shade }, s) => {
        shade.style.fillOpacity = (0.75 * share[s]).toFixed(3);
      });
    }

    // Probabilities; the square root keeps a small one visible.
    shadeProbability(probability, when) {
      const top = peak(probability);
      this.shade(probability.map(Math.sqrt));
      this.describe(`Map, ${when} most likely in ${nameOf(this.cells[top])}, ` +
        `probability ${element.write(probability[top])}.`);
    }

    write(texts) {
      this.figure.classList.add("cai-numbered");
      this.numbers.forEach((node, s) => { node.textContent = texts[s]; });
    }

    // An arrow is as long as its probability; a dot is the action that stays. `policy` may be null.
    arrows(policy) {
      this.heads.replaceChildren();
      if (policy) this.cells.forEach((cell, s) => {
        if (cell.mark !== "G" && cell.mark !== "x") this.arrowsOf(cell, policy[s]);
      });
    }

    arrowsOf({ row, column }, probability) {
      const x = column + 0.5, y = row + 0.4;
      probability.forEach((p, a) => {
        const [dx, dy] = this.moves[a], length = 0.05 + 0.32 * p;
        if (p < 0.02) return;
        if (!dx && !dy) return make(this.heads, "circle", { cx: x, cy: y, r: 0.13 * Math.sqrt(p) });
        const [tx, ty] = [x + length * dx, y + length * dy], wide = 0.04 + 0.05 * p;
        const base = [tx - 2 * wide * dx, ty - 2 * wide * dy];
        make(this.heads, "line", { x1: x, y1: y, x2: base[0], y2: base[1] });
        const corner = (side) => `${base[0] + side * wide * dy},${base[1] + side * wide * dx}`;
        make(this.heads, "polygon", { points: `${tx},${ty} ${corner(1)} ${corner(-1)}` });
      });
    }

    // A line is as thick as its weight, against the heaviest; without weights all are the same.
    lines(trajectories, weight) {
      const heaviest = weight ? Math.max(...weight) : 1;
      this.paths.replaceChildren();
      trajectories.forEach(({ states }, i) => {
        const random = caiInference.generator(i + 1); // its own sidestep keeps a line off the others
        const dx = 0.5 + 0.6 * (random() - 0.5), dy = 0.5 + 0.6 * (random() - 0.5);
        const at = ({ row, column }) => [(column + dx).toFixed(3), (row + dy).toFixed(3)];
        const seen = states.filter((s, t) => s !== states[t - 1] && this.cells[s]);
        const points = seen.map((s) => at(this.cells[s]));
        const style = `--share:${(weight ? weight[i] / heaviest || 0 : 0.35).toFixed(3)}`;
        make(this.paths, "polyline", { points: points.join(" "), style });
        const [cx, cy] = points[points.length - 1];
        make(this.paths, "circle", { cx, cy, r: 0.05, style });
      });
    }
  }

  Object.assign(element, { GridMap, ACTIONS, nameOf, sliders });
})(globalThis.caiElement);
