"""The scripts of the explorers, in an engine without a page and in a browser.

``conftest.py`` imports the fixtures.
"""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import ROOT, Visit
from problems import KINDS, random_mdp

from cs_infer.figures.explorers import conditioning_explorer, gridworld_problem

SCRIPTS = ROOT / "book" / "_static" / "explorers"
MATHEMATICS = ("inference.js", "sampling.js", "worlds.js", "readings.js", "bound.js", "virel.js")
PRECISE = {"rtol": 1e-10, "atol": 1e-10}


def scripts_of_the_book():
    """The explorers' scripts, in the order in which a page of the book loads them."""
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    return re.findall(r"- explorers/(\w+\.js)", config)


@pytest.fixture(scope="session")
def script():
    """Call the mathematics of the page: ``script("backwardMessages(p)", p=problem)``."""
    engine = pytest.importorskip("py_mini_racer", reason="mini-racer is not installed").MiniRacer()
    for name in MATHEMATICS:
        engine.eval((SCRIPTS / name).read_text(encoding="utf-8"))
    engine.eval("""
      const read = (text) => JSON.parse(text, (_, x) => (x === "-inf" ? -Infinity : x));
      const write = (value) => JSON.stringify(value, (_, x) =>
        x === -Infinity ? "-inf" : x === Infinity ? "inf" : Number.isNaN(x) ? "nan" : x);
    """)

    def call(expression, **values):
        names = ", ".join(values)
        given = ", ".join(f"read({json.dumps(json.dumps(value))})" for value in values.values())
        text = engine.eval(
            f"(({names}) => {{ with (caiInference) {{ return write({expression}) }} }})({given})"
        )
        return json.loads(text)

    return call


@pytest.fixture
def opened(chromium, tmp_path):
    """Open explorers in a page of their own, without the theme; returns the page."""
    visits = []

    def visit(*explorers, **options):
        names = scripts_of_the_book()
        script = "".join(f'<script src="{(SCRIPTS / name).as_uri()}"></script>' for name in names)
        # In the page itself: axe reads style sheets again, which a page on a disk may not.
        style = f"<style>{(SCRIPTS / 'explorer.css').read_text(encoding='utf-8')}</style>"
        body = "".join(each._repr_html_() for each in explorers)
        path = Path(tmp_path / "page.html")
        path.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Explorer</title>'
            f'<meta name="viewport" content="width=device-width">{style}{script}'
            f"<main><h1>Explorer</h1>{body}</main></html>",
            encoding="utf-8",
        )
        visits.append(Visit(chromium, path, **options))
        return visits[-1].page

    yield visit
    for each in visits:
        each.context.close()
        wrong = each.outside + each.errors
        assert wrong == [], wrong


def numbers(nested):
    """An array from lists in which infinities are words."""
    return np.array(nested, dtype=object).astype(str).astype(float)


def shown(page, name):
    """A number of the explorer, in full."""
    return float(page.locator(f'data[data-name="{name}"]').get_attribute("value").lower())


def said_by(page, name):
    """The number a slider says it stands at."""
    return float(page.locator(f'[data-name="{name}"]').get_attribute("aria-valuetext"))


def to_the_end(page, name, key):
    """Move a slider to its lowest (Home) or highest (End) place from the keyboard."""
    page.locator(f'input[data-name="{name}"]').focus()
    page.keyboard.press(key)


# ---- problems to compare on ----------------------------------------------------


def data_of(mdp):
    return conditioning_explorer(mdp).problem


def with_forbidden(mdp, rng):
    """The same problem with a tenth of its rewards at ``-inf``."""
    reward = np.where(rng.random(mdp.reward.shape) < 0.1, -np.inf, mdp.reward)
    return replace(mdp, reward=reward)


def random_cases():
    for seed in range(90):
        rng = np.random.default_rng(seed)
        S, A, T = int(rng.integers(1, 9)), int(rng.integers(1, 5)), int(rng.integers(1, 31))
        temperature = float(np.exp(rng.uniform(math.log(0.05), math.log(10))))
        mdp = random_mdp(seed, S=S, A=A, T=T, kind=KINDS[seed % 3], temperature=temperature)
        yield with_forbidden(mdp, rng) if seed % 5 == 0 else mdp
    for slip in (0.0, 0.1, 0.5):
        for temperature in (0.05, 0.3, 10.0):
            for horizon in (1, 16, 30):
                yield gridworld_problem(slip=slip, temperature=temperature, horizon=horizon)
