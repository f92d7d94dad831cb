"""Checks on random outcomes, which fail a right answer with a chance that is known.

A policy that is rolled out gives a random return, and a right one may be
unlucky. Each check here takes the *rate* at which a right answer may fail,
and keeps to it whatever the distribution is, however few the samples.

All of it rests on one bound. Let X_1 ... X_n be in [0, 1], each with mean at
least q, whatever the others were. For x < q the chance that their average is
at most x is at most exp(-n KL(x, q)), where KL(x, q) = x log(x / q) +
(1 - x) log((1 - x) / (1 - q)) [Hoeffding, "Probability inequalities for sums
of bounded random variables", 1963, theorem 1]. A check fails when this bound
is below its rate. The average that lies just there is exceeded downwards with
a chance of at most the rate, and KL falls as x rises to q, so the check fails
with at most that chance. Means above q make it smaller still.

How many samples: a gap of d between the bound and the mean of a wrong answer
is seen when n is a little above log(1 / rate) * ((high - low) / d)^2 / 2, and
nearly surely with four times as many. A property that makes k such checks
fails a right answer with a chance of at most k times the rate.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

RATE = 1e-7


def mean_is_at_least(
    samples: ArrayLike,
    bound: float,
    low: float,
    high: float,
    rate: float = RATE,
    *,
    what: str = "the mean",
) -> str | None:
    """Whether samples may come from a mean of ``bound`` or more.

    Args:
        samples: independent outcomes, shape (n,), each within [low, high].
        bound: the least mean of a right answer.
        low: the least outcome that is possible.
        high: the largest outcome that is possible.
        rate: the largest chance to fail a right answer.
        what: how to call the mean in a message.

    Returns:
        A sentence if the mean is below the bound, else None.

    Raises:
        ValueError: there are no samples, one is outside [low, high] or NaN,
            the bound is outside, or the rate is not between 0 and 1.
    """
    mean, share, target = _shares(samples, bound, low, high, rate)
    if share >= target or _log_chance(share, target, np.size(samples)) >= math.log(rate):
        return None
    return f"{what} over {np.size(samples)} tries is {mean:.6g}; it must be at least {bound:.6g}"


def mean_is_at_most(
    samples: ArrayLike,
    bound: float,
    low: float,
    high: float,
    rate: float = RATE,
    *,
    what: str = "the mean",
) -> str | None:
    """Whether samples may come from a mean of ``bound`` or less.

    The arguments and errors are those of :func:`mean_is_at_least`.

    Returns:
        A sentence if the mean is above the bound, else None.
    """
    mirrored = -np.asarray(samples, dtype=float)
    if mean_is_at_least(mirrored, -bound, -high, -low, rate) is None:
        return None
    mean = -mirrored.mean()
    return f"{what} over {mirrored.size} tries is {mean:.6g}; it must be at most {bound:.6g}"


def proportion_is(
    successes: int,
    trials: int,
    p: float,
    rate: float = RATE,
    *,
    what: str = "the share of successes",
) -> str | None:
    """Whether successes may come from a chance of ``p`` in each trial.

    Args:
        successes: how many trials succeeded.
        trials: how many independent trials there were.
        p: the chance that a right answer gives to a success.
        rate: the largest chance to fail a right answer; half of it is spent
            on each side.
        what: how to call the proportion in a message.

    Returns:
        A sentence if the chance is another, else None.

    Raises:
        ValueError: the counts are not 0 <= successes <= trials with at least
            one trial, p is no probability, or the rate is not between 0 and 1.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and trials; {successes} of {trials} do not")
    outcomes = np.repeat([1.0, 0.0], [successes, trials - successes])
    few = mean_is_at_least(outcomes, p, 0.0, 1.0, rate / 2)
    if few is None and mean_is_at_most(outcomes, p, 0.0, 1.0, rate / 2) is None:
        return None
    return f"{what} in {trials} tries is {successes / trials:.6g}; it must be {p:.6g}"


def _shares(
    samples: ArrayLike, bound: float, low: float, high: float, rate: float
) -> tuple[float, float, float]:
    """The mean, and where the mean and the bound lie between low (0) and high (1)."""
    outcomes = np.asarray(samples, dtype=float)
    if outcomes.ndim != 1 or outcomes.size == 0:
        raise ValueError(f"samples must have shape (n,) with n >= 1; they have {outcomes.shape}")
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"low must be below high, both finite; they are {low:g} and {high:g}")
    outside = outcomes[~((outcomes >= low) & (outcomes <= high))]
    if outside.size:
        raise ValueError(f"samples must lie in [{low:g}, {high:g}]; one is {outside[0]:g}")
    if not low <= bound <= high:
        raise ValueError(f"the bound must lie in [{low:g}, {high:g}]; it is {bound:g}")
    if not 0 < rate < 1:
        raise ValueError(f"the rate must lie between 0 and 1; it is {rate:g}")
    mean = float(outcomes.mean())
    # The mean is rounded, and a mean at the bound must not count as below it.
    rounding = 64 * np.finfo(float).eps * max(abs(low), abs(high))
    share = min((mean - low + rounding) / (high - low), 1.0)
    return mean, share, (bound - low) / (high - low)


def _log_chance(share: float, target: float, n: int) -> float:
    """A bound on the log-chance of an average at most ``share`` where ``target`` is the mean."""
    if target == 1:
        return -math.inf
    up = share * math.log(share / target) if share else 0.0
    return -n * (up + (1 - share) * math.log((1 - share) / (1 - target)))
