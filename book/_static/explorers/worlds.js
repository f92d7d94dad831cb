// The problems of cs_infer.figures.explorers, number for number. Adds to caiInference.
"use strict";

(function (infer) {
  const { range } = infer;
  const MOVES = [[-1, 0], [0, 1], [1, 0], [0, -1], [0, 0]]; // up, right, down, left, stay
  const unit = (n, i) => range(n).map((j) => Number(i === j));
  const uniform = (states, n) => states.map(() => new Array(n).fill(1 / n));

  // The cells of a map and its five moves, which slip; the goal is kept for good.
  function walk(layout, slip) {
    const cells = [], index = new Map();
    layout.forEach((line, row) => [...line].forEach((mark, column) => {
      if (mark === "#") return;
      index.set(`${row},${column}`, cells.length);
      cells.push({ row, column, mark });
    }));
    const reach = (cell, move) => {
      const to = index.get(`${cell.row + MOVES[move][0]},${cell.column + MOVES[move][1]}`);
      return to === undefined ? index.get(`${cell.row},${cell.column}`) : to;
    };
    const transition = cells.map((cell, s) => MOVES.map((_, a) => {
      const row = new Array(cells.length).fill(0);
      MOVES.forEach((_, move) => {
        const to = cell.mark === "G" ? s : reach(cell, move);
        row[to] += slip / MOVES.length + (1 - slip) * (move === a);
      });
      return row;
    }));
    const starts = cells.filter(({ mark }) => mark === "S").length;
    const initial = cells.map(({ mark }) => (mark === "S" ? 1 / starts : 0));
    return { cells, transition, initial };
  }

  const paying = (cells, pay, other) =>
    cells.map(({ mark }) => MOVES.map(() => (mark in pay ? pay[mark] : other)));

  function gridworld({ layout, stepCost, mudCost, slip, horizon, temperature }) {
    const { cells, transition, initial } = walk(layout, slip);
    const reward = paying(cells, { G: 0, "~": -(stepCost + mudCost) }, -stepCost);
    const actionPrior = uniform(cells, MOVES.length);
    return { transition, reward, initial, actionPrior, horizon, temperature, cells };
  }

  // The last state is the ground below the cliff; `cells` does not hold it.
  function cliff({ layout, stepCost, cliffCost, slip, horizon, temperature }) {
    const { cells, transition, initial } = walk(layout, slip);
    const ground = cells.length;
    const below = MOVES.map(() => unit(ground + 1, ground));
    const states = [...cells, { mark: "." }];
    return {
      transition: states.map(({ mark }, s) =>
        (mark === "x" || s === ground ? below : transition[s].map((row) => [...row, 0]))),
      reward: paying(states, { G: 0, x: -(stepCost + cliffCost) }, -stepCost),
      initial: [...initial, 0], actionPrior: uniform(states, MOVES.length),
      horizon, temperature, cells,
    };
  }

  // Moves along a line; its ends stop them, and `stays` says which cells are never left.
  const along = (cells, moves, stays = () => false) => range(cells).map((s) => moves.map((move) =>
    unit(cells, stays(s) ? s : Math.min(Math.max(s + move, 0), cells - 1))));

  function chain({ cells, horizon, temperature }) {
    const end = (s) => s === 0 || s === cells - 1;
    return {
      transition: along(cells, [-1, 1], end),
      reward: range(cells).map((s) => new Array(2).fill(end(s) ? 0 : -1)),
      initial: unit(cells, Math.floor(cells / 2)), actionPrior: uniform(range(cells), 2),
      horizon, temperature,
    };
  }

  function line({ cells, start, goal, missCost, stay, horizon, temperature }) {
    const pay = (t, s) => (t < horizon - 1 || goal === null || s === goal ? 0 : -missCost);
    return {
      transition: along(cells, [-1, 0, 1]),
      reward: range(horizon).map((t) => range(cells).map((s) => new Array(3).fill(pay(t, s)))),
      initial: unit(cells, start),
      actionPrior: range(cells).map(() => [(1 - stay) / 2, stay, (1 - stay) / 2]),
      horizon, temperature,
    };
  }

  function lottery({ chance, gain, safe, temperature }) {
    const here = range(4).map((s) => [unit(4, s), unit(4, s)]);
    here[0] = [unit(4, 3), [0, chance, 1 - chance, 0]];
    return {
      transition: here, reward: [0, gain, 0, safe].map((r) => [r, r]),
      initial: unit(4, 0), actionPrior: uniform(here, 2), horizon: 2, temperature,
    };
  }

  // Left, right, and actions that wait, taken together: copies are one action with more weight.
  function strip({ cells, useless, slip, scale, discount }) {
    const last = cells - 1, weight = [1, 1, useless].map((w) => w / (2 + useless));
    return {
      transition: range(cells).map((s) => {
        const right = unit(cells, s).map((p) => p * slip);
        right[Math.min(s + 1, last)] += 1 - slip;
        return [unit(cells, Math.max(s - 1, 0)), right, unit(cells, s)];
      }),
      reward: range(cells).map((s) => [s === 0 ? 0.2 * scale : 0, s === last ? scale : 0, 0]),
      initial: unit(cells, 1), actionPrior: range(cells).map(() => weight), discount,
    };
  }

  Object.assign(infer, { gridworld, cliff, chain, line, lottery, strip });
})(globalThis.caiInference);
