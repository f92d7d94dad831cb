"""Shared settings: repeatable Hypothesis runs, warnings as errors."""

import os

import numpy as np
import pytest
from browser import book, chromium  # noqa: F401 - fixtures of every test of pages
from explorers import opened, script  # noqa: F401 - fixtures of the explorers' tests
from hypothesis import HealthCheck, Phase, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile(
    "quick",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.register_profile(
    "thorough", max_examples=2000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "first-failure", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def rng():
    """A source of randomness that is the same in every run."""
    return np.random.default_rng(2018)
