"""Sums of exponentials, against mpmath at fifty digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cs_infer.log_space import log_expect, logsumexp, normalise, safe_log

pytestmark = pytest.mark.filterwarnings("error")

logs = st.one_of(st.floats(-2000, 2000), st.just(-np.inf))
matrices = hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=logs)
weights = hnp.arrays(np.int8, 4, elements=st.integers(0, 4)).filter(np.any)


def by_mpmath(log_x):
    """``log sum exp`` at fifty digits."""
    with mpmath.workdps(50):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(float(x))) for x in log_x)
        return float(mpmath.log(total)) if total > 0 else -np.inf


@given(matrices)
def test_logsumexp_matches_fifty_digits_along_each_axis(log_x):
    for axis, rows in ((1, log_x), (0, log_x.T)):
        np.testing.assert_allclose(
            logsumexp(log_x, axis=axis), [by_mpmath(row) for row in rows], rtol=1e-14, atol=1e-13
        )
    everything = by_mpmath(log_x.ravel())
    np.testing.assert_allclose(logsumexp(log_x), everything, rtol=1e-14, atol=1e-13)
    np.testing.assert_allclose(logsumexp(log_x, axis=(0, 1)), everything, rtol=1e-14, atol=1e-13)


@given(weights, hnp.arrays(float, 4, elements=logs))
def test_log_expect_lies_between_the_smallest_and_the_largest_possible_entry(weight, log_x):
    probability = weight / weight.sum()
    soft = log_expect(probability, log_x)
    assert log_x[weight > 0].min() - 1e-9 <= soft <= log_x[weight > 0].max() + 1e-9


@given(weights, hnp.arrays(float, 4, elements=logs))
def test_log_expect_is_the_logarithm_of_an_expectation(weight, log_x):
    probability = weight / weight.sum()
    with mpmath.workdps(50):
        mean = mpmath.fsum(
            mpmath.mpf(float(p)) * mpmath.exp(mpmath.mpf(float(x)))
            for p, x in zip(probability, log_x, strict=True)
        )
        expected = float(mpmath.log(mean)) if mean > 0 else -np.inf
    np.testing.assert_allclose(log_expect(probability, log_x), expected, rtol=1e-14, atol=1e-13)


def test_log_expect_works_along_any_axis():
    log_x = np.log([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(
        np.exp(log_expect(np.array([[0.5], [0.5]]), log_x, axis=0)), [2.0, 3.0]
    )


@given(matrices)
def test_normalise_sums_to_one_or_is_zero_where_everything_is_impossible(log_x):
    p = normalise(log_x)
    alive = np.isfinite(log_x).any(axis=1)
    np.testing.assert_allclose(p.sum(axis=1), alive.astype(float), atol=1e-12)
    assert np.all(p[log_x == -np.inf] == 0)


@given(matrices, st.floats(-500, 500))
def test_normalise_ignores_a_constant(log_x, constant):
    np.testing.assert_allclose(normalise(log_x + constant), normalise(log_x), atol=1e-9)


def test_normalise_over_two_axes_makes_one_distribution_of_each_slice(rng):
    p = normalise(rng.normal(size=(4, 3, 2)), axis=(1, 2))
    np.testing.assert_allclose(p.sum(axis=(1, 2)), 1.0)


def test_the_logarithm_of_zero_is_minus_infinity_without_a_warning():
    assert safe_log(np.array([0.0]))[0] == -np.inf
    assert logsumexp(np.full(3, -np.inf)) == -np.inf
    assert log_expect(np.array([1.0, 0.0]), np.array([-np.inf, 0.0])) == -np.inf


def test_logsumexp_neither_overflows_nor_underflows():
    assert logsumexp(np.array([1e8, 1e8])) == 1e8 + np.log(2)
    assert logsumexp(np.array([-1e8, -np.inf])) == -1e8
