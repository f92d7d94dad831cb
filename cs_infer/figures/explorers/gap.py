"""The explorer of the gap: the bound closing over soft policy iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cs_infer.bound import elbo, kl_to_posterior
from cs_infer.figures.explorers.element import Explorer, settings_of
from cs_infer.figures.explorers.grids import cliff_problem
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages
from cs_infer.variational import soft_values

GAP_LAYOUT = (
    "....",
    "....",
    "SxxG",
)


def gap_problem(
    layout: Sequence[str] = GAP_LAYOUT,
    *,
    step_cost: float = 1.0,
    cliff_cost: float = 6.0,
    slip: float = 0.1,
    horizon: int = 10,
    temperature: float = 0.5,
) -> TabularMDP:
    """A small cliff: :func:`cliff_problem` on three rows of four cells.

    Args:
        layout: see :func:`cliff_problem`.
        step_cost: see :func:`cliff_problem`.
        cliff_cost: see :func:`cliff_problem`.
        slip: see :func:`cliff_problem`; with 0 nothing is left to luck.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0.

    Returns:
        The problem.

    Raises:
        ValueError: see :func:`cliff_problem`.

    Example:
        >>> gap_problem()
        TabularMDP(num_states=13, num_actions=5, horizon=10, temperature=0.5)
    """
    return cliff_problem(
        layout,
        step_cost=step_cost,
        cliff_cost=cliff_cost,
        slip=slip,
        horizon=horizon,
        temperature=temperature,
    )


def gap_explorer(**settings: Any) -> Explorer:
    """Watch soft policy iteration close the gap of the bound, live in the page.

    Args:
        settings: passed to :func:`gap_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: see :func:`gap_problem`.

    Example:
        >>> gap_explorer(slip=0.0)
        gap_explorer(TabularMDP(num_states=13, num_actions=5, horizon=10, temperature=0.5))
    """
    mdp = gap_problem(**settings)
    backward = backward_messages(mdp)
    rows = [
        f"{name} has an ELBO of {elbo(mdp, policy):.3f} nats, a policy's share of "
        f"{gap.policy:.3f} and a luck's share of {gap.luck:.3f}"
        for name, policy in (
            ("the prior", mdp.action_prior),
            ("the best policy", soft_values(mdp).policy),
            ("the policy that acts as the posterior does", backward.policy),
        )
        for gap in [kl_to_posterior(mdp, policy)]
    ]
    words = f"log p(O) is {backward.log_evidence:.3f} nats; {'; '.join(rows)}."
    data = settings_of(gap_problem, {"layout": GAP_LAYOUT} | settings)
    return Explorer("gap", data, words, mdp)
