"""Control as inference: the reference library of the course.

Reinforcement learning read as inference in a graphical model. Build a problem
(:class:`TabularMDP`), condition on being optimal, pass messages.

Every public name below is loaded on first use, so ``import cs_infer`` costs
next to nothing, and needs numpy alone. One idea lives in one file:

===================  ==========================================================
``mdp``              the Markov decision process, checked at the door
``dynamics``         how the world moves: dense, sparse, deterministic
``batches``          problems side by side, in numpy or in torch
``toy_text``         reading gymnasium's transition tables
``planning``         optimal control: open loop and closed loop
``optimality``       the optimality variable, given a state and an action
``trajectories``     the graphical model: trajectories by enumeration
``messages``         the same answers by passing messages, in log space
``hidden_markov``    the view from hidden Markov models, and its shortcut
``most_likely``      the most likely trajectory
``posterior``        what optimality says about start and dynamics: optimism
``variational``      the variational reading: act in the world as it is
``policies``         what a policy does in that world
``zero_temperature`` the limit in which only the best counts
``stationary``       no horizon: a discount, in both readings
``bound``            the evidence lower bound, term by term, and its gap
``evaluation``       what a policy is worth, with a horizon or a discount
``soft_policy``      soft policy evaluation, improvement, iteration
``returns``          reward and relative entropy apart; discounted occupancies
``soft_iteration``   soft value iteration
``fixed_points``     sweeps until a fixed point is near enough
``other_divergence`` reweighted trajectories, REPS, maximum causal entropy
``linear_control``   control whose backup is linear; path integrals
``cooling``          VIREL: a temperature that is the critic's own error
``actor``            VIREL's objective, and the gradient an actor climbs
``compiled``         the sweep as one compiled step, for torch
``sampling``         drawing trajectories from the prior and the posterior
``log_space``        sums and expectations of exponentials
===================  ==========================================================
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Each public name, with the file it lives in.
HOME = {
    "TabularMDP": "mdp",
    "OpenLoopPlan": "planning",
    "ClosedLoopPlan": "planning",
    "plan_open_loop": "planning",
    "plan_closed_loop": "planning",
    "log_p_optimal": "optimality",
    "action_given_optimal": "optimality",
    "action_given_not_optimal": "optimality",
    "log_p_optimal_next_state": "optimality",
    "Trajectories": "trajectories",
    "trajectory_log_prior": "trajectories",
    "trajectory_log_likelihood": "trajectories",
    "trajectory_energy": "trajectories",
    "trajectory_log_posterior": "trajectories",
    "enumerate_trajectories": "trajectories",
    "log_evidence_by_enumeration": "trajectories",
    "action_posterior_by_enumeration": "trajectories",
    "Dense": "dynamics.dense",
    "Sparse": "dynamics.sparse",
    "Deterministic": "dynamics.sparse",
    "as_dynamics": "dynamics",
    "log_expect": "log_space",
    "BackwardMessages": "messages",
    "ForwardMessages": "messages",
    "SmoothedMarginals": "messages",
    "backward_messages": "messages",
    "forward_messages": "messages",
    "smoothed_marginals": "messages",
    "pairwise_marginals": "messages",
    "HiddenMarkovView": "hidden_markov",
    "hidden_markov_view": "hidden_markov",
    "collapsed_kernel": "hidden_markov",
    "MostLikelyTrajectory": "most_likely",
    "most_likely_trajectory": "most_likely",
    "posterior_initial": "posterior",
    "posterior_dynamics": "posterior",
    "optimism_gap": "posterior",
    "lottery_threshold": "posterior",
    "SoftValues": "variational",
    "soft_values": "variational",
    "policy_occupancy": "policies",
    "policy_return": "policies",
    "RewardWeighted": "other_divergence.reweighting",
    "PolicyAsPrior": "other_divergence.reweighting",
    "reward_weighted_policy": "other_divergence.reweighting",
    "policy_as_prior": "other_divergence.reweighting",
    "RepsSolution": "other_divergence.entropy_search",
    "reps": "other_divergence.entropy_search",
    "reps_dual": "other_divergence.entropy_search",
    "MatchedPolicy": "other_divergence.feature_matching",
    "match_features": "other_divergence.feature_matching",
    "ZeroTemperatureValues": "zero_temperature",
    "zero_temperature_values": "zero_temperature",
    "StationaryMessages": "stationary",
    "StationarySoftValues": "stationary",
    "stationary_messages": "stationary",
    "stationary_soft_values": "stationary",
    "BoundTerms": "bound",
    "GapTerms": "bound",
    "elbo": "bound",
    "bound_terms": "bound",
    "kl_to_posterior": "bound",
    "SoftPolicyValues": "soft_policy",
    "SoftPolicyIteration": "soft_policy",
    "RegularisedReturn": "returns",
    "soft_policy_values": "soft_policy",
    "improved_policy": "soft_policy",
    "soft_policy_iteration": "soft_policy",
    "regularised_return": "returns",
    "discounted_occupancy": "returns",
    "SoftValueIteration": "soft_iteration",
    "soft_value_iteration": "soft_iteration",
    "LinearlySolvableMDP": "linear_control.linearly_solvable",
    "Desirability": "linear_control.desirability",
    "AverageDesirability": "linear_control.desirability",
    "horizon_desirability": "linear_control.desirability",
    "exit_desirability": "linear_control.desirability",
    "discounted_desirability": "linear_control.desirability",
    "average_desirability": "linear_control.desirability",
    "Embedding": "linear_control.embedding",
    "embedded_problem": "linear_control.embedding",
    "passive_transitions": "linear_control.passive_learning",
    "z_learning": "linear_control.passive_learning",
    "soft_q_learning": "linear_control.passive_learning",
    "Diffusion": "linear_control.path_integral",
    "PathSolution": "linear_control.path_integral",
    "grid_desirability": "linear_control.path_integral",
    "PathEstimate": "linear_control.path_sampling",
    "path_estimate": "linear_control.path_sampling",
    "effective_sample_size": "linear_control.path_sampling",
    "VirelStep": "cooling",
    "VirelSolution": "cooling",
    "boltzmann_policy": "cooling",
    "adaptive_temperature": "cooling",
    "temperature_bounds": "cooling",
    "virel_steps": "cooling",
    "virel": "cooling",
    "VirelObjective": "actor",
    "ActorGradient": "actor",
    "virel_objective": "actor",
    "actor_gradient": "actor",
    "compiled_backward": "compiled",
    "SampledTrajectories": "sampling",
    "sample_prior": "sampling",
    "sample_posterior": "sampling",
    "sample_policy": "sampling",
}

__all__ = list(HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'cs_infer' has no attribute {name!r}")
    value = getattr(import_module(f"cs_infer.{HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
