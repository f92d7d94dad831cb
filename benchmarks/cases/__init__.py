"""The cases: each is a file with ``rows(threads, seconds, **sizes)`` and ``THREADS``."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

NAMES = (
    "dense",
    "sparse",
    "soft_iteration",
    "batch",
    "hidden_markov",
    "marginal",
    "growth",
    "memory",
    "precision",
    "gpu",
    "grading",
)


def case(name: str) -> ModuleType:
    """The module of a case."""
    return import_module(f"benchmarks.cases.{name}")
