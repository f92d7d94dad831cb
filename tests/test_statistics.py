"""Checks on random outcomes: how often they fail a right answer is computed, not simulated."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from cs_infer.judge.statistics import RATE, mean_is_at_least, mean_is_at_most, proportion_is

RATES = (0.6, 0.05, 1e-3, 1e-7)
EXACT = Fraction(1) + Fraction(1, 10**9)  # the rate itself is a rounded number


def binomial(n, p):
    """The chance of each number of successes, exactly."""
    p = Fraction(p)
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def zeros_and_ones(k, n):
    return np.repeat([1.0, 0.0], [k, n - k])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("p", [0.0, 0.001, 0.2, 0.5, 0.93, 1.0])
def test_a_right_mean_or_share_fails_no_more_often_than_the_rate(rate, n, p):
    chance = binomial(n, p)
    outcomes = [zeros_and_ones(k, n) for k in range(n + 1)]
    for check in (
        lambda k: mean_is_at_least(outcomes[k], p, 0.0, 1.0, rate),
        lambda k: mean_is_at_most(outcomes[k], p, 0.0, 1.0, rate),
        lambda k: proportion_is(k, n, p, rate),
    ):
        failed = sum(chance[k] for k in range(n + 1) if check(k))
        assert failed <= Fraction(rate) * EXACT


@pytest.mark.parametrize("rate", RATES[:3])
@pytest.mark.parametrize("weights", [(0.5, 0.25, 0.25), (0.9, 0.05, 0.05), (0.02, 0.9, 0.08)])
def test_three_valued_returns_fail_no_more_often_than_the_rate(rate, weights):
    values, n = np.array([-3.0, 1.0, 2.0]), 30
    failed_low = failed_high = 0.0
    for counts in product(range(n + 1), repeat=2):
        if (last := n - sum(counts)) < 0:
            continue
        counts = (*counts, last)
        chance = math.factorial(n) / math.prod(map(math.factorial, counts))
        chance *= math.prod(w**c for w, c in zip(weights, counts, strict=True))
        samples, mean = np.repeat(values, counts), float(values @ weights)
        failed_low += chance * bool(mean_is_at_least(samples, mean, -3.0, 2.0, rate))
        failed_high += chance * bool(mean_is_at_most(samples, mean, -3.0, 2.0, rate))
    assert max(failed_low, failed_high) <= rate


def test_a_better_mean_than_asked_fails_less_often():
    n, asked = 60, 0.4
    fails = [bool(mean_is_at_least(zeros_and_ones(k, n), asked, 0, 1, 0.05)) for k in range(n + 1)]
    chances = [sum(c for c, f in zip(binomial(n, p), fails, strict=True) if f) for p in (0.4, 0.5)]
    assert chances[1] < chances[0] / 10


def test_a_wrong_mean_is_found_with_the_number_of_tries_that_the_text_says():
    for low, high, gap in ((0.0, 1.0, 0.4), (-10.0, 10.0, 7.0)):
        right = (low + high) / 2
        n = math.ceil(2 * math.log(1 / RATE) * ((high - low) / gap) ** 2)
        share = (right - gap - low) / (high - low)
        chance = binomial(n, share)
        missed = sum(
            chance[k]
            for k in range(n + 1)
            if mean_is_at_least(np.repeat([high, low], [k, n - k]), right, low, high) is None
        )
        assert missed < 1e-6


def test_the_mirror_image_of_samples_is_judged_alike():
    rng = np.random.default_rng(0)
    verdicts = set()
    for bound in np.linspace(-0.9, 0.9, 19):
        samples = rng.uniform(-1, 1, size=200)
        low = mean_is_at_least(samples, bound, -1, 1) is None
        assert low == (mean_is_at_most(-samples, -bound, -1, 1) is None)
        verdicts.add(low)
    assert verdicts == {True, False}


@pytest.mark.parametrize("check", [mean_is_at_least, mean_is_at_most])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -7.7, 1e6 + 0.1])
def test_constant_samples_at_the_bound_pass_at_the_edge_of_what_is_possible(check, value):
    samples = np.full(10**5, value)
    assert check(samples, value, value - 1, value) is None
    assert check(samples, value, value, value + 1) is None


def test_what_is_impossible_fails_at_the_first_sign():
    assert mean_is_at_least([0.999], 1.0, 0.0, 1.0)
    assert mean_is_at_most([0.001], 0.0, 0.0, 1.0)
    assert proportion_is(1, 10, 0.0)
    assert proportion_is(9, 10, 1.0)
    assert proportion_is(0, 10, 0.0) is proportion_is(10, 10, 1.0) is None


def test_sentences_say_what_was_found_and_what_is_asked():
    zeros = np.zeros(50)
    assert mean_is_at_least(zeros, 0.5, 0, 1, what="the mean return") == (
        "the mean return over 50 tries is 0; it must be at least 0.5"
    )
    assert mean_is_at_most(zeros + 2, 0.5, 0, 2) == (
        "the mean over 50 tries is 2; it must be at most 0.5"
    )
    assert proportion_is(3, 1000, 0.5) == (
        "the share of successes in 1000 tries is 0.003; it must be 0.5"
    )


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (([], 0.5, 0, 1), r"shape \(n,\)"),
        (([[0.5]], 0.5, 0, 1), r"shape \(n,\)"),
        (([1.5], 0.5, 0, 1), r"must lie in \[0, 1\]; one is 1.5"),
        (([math.nan], 0.5, 0, 1), "one is nan"),
        (([0.5], 2, 0, 1), "the bound must lie in"),
        (([0.5], math.nan, 0, 1), "the bound must lie in"),
        (([0.5], 0.5, 1, 1), "low must be below high"),
        (([0.5], 0.5, 0, math.inf), "low must be below high"),
        (([0.5], 0.5, 0, 1, 0.0), "the rate must lie between 0 and 1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        mean_is_at_least(*arguments)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3), (0, 0)])
def test_counts_that_make_no_sense_are_refused(successes, trials):
    with pytest.raises(ValueError, match=r"successes must lie|shape \(n,\)"):
        proportion_is(successes, trials, 0.5)
