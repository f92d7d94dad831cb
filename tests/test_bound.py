"""The evidence lower bound and what it lacks, on problems of every kind."""

import math

import numpy as np
import pytest
import torch
from families import random_moves, random_policy, random_start, seeds
from hypothesis import assume, given
from problems import KINDS, full_problems, lottery, possible, random_mdp, rebuilt, two_states

from cs_infer import (
    Sparse,
    TabularMDP,
    backward_messages,
    bound_terms,
    elbo,
    enumerate_trajectories,
    kl_to_posterior,
    policy_occupancy,
    posterior_dynamics,
    posterior_initial,
    soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
medium = {"num_states": 3, "num_actions": 3, "horizon": 4}


def larger(seed, **options):
    return random_mdp(seed, S=12, A=4, T=15, kind=KINDS[seed % 3], temperature=0.6, **options)


def log_evidence(mdp):
    return backward_messages(mdp).log_evidence


# The identity, and when it closes.


@given(full_problems(**medium), seeds)
def test_evidence_is_bound_plus_gap_by_dynamic_programming(mdp, seed):
    assume(possible(mdp))
    for policy in (random_policy(mdp, seed), mdp.action_prior):
        bound, gap = elbo(mdp, policy), kl_to_posterior(mdp, policy)
        assert min(gap) >= -1e-12
        assert bound <= log_evidence(mdp) + 1e-12
        if math.isinf(gap.total):
            assert bound == -math.inf
        else:
            assert bound + gap.total == pytest.approx(log_evidence(mdp), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("seed", range(9))
def test_evidence_is_bound_plus_gap_on_larger_problems(seed):
    mdp = larger(seed, next_state=seed % 2 == 0)
    policy = random_policy(mdp, seed)
    total = elbo(mdp, policy) + kl_to_posterior(mdp, policy).total
    assert total == pytest.approx(log_evidence(mdp), rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_agrees_with_the_librarys_own_enumeration(kind):
    mdp = random_mdp(4, S=3, A=2, T=4, kind=kind, temperature=0.5)
    policy, every = random_policy(mdp, 4), enumerate_trajectories(mdp)
    t, s, a = np.arange(4), every.states, every.actions
    with np.errstate(divide="ignore"):
        log_policy = np.log(policy[t, s, a]).sum(axis=-1)
    q_over_p = log_policy - mdp.log_action_prior[s, a].sum(axis=-1)
    q = np.exp(every.log_prior + q_over_p)
    seen = q > 0
    listed = q[seen] @ (every.log_likelihood - q_over_p)[seen]
    assert elbo(mdp, policy) == pytest.approx(listed, rel=1e-10)


@given(full_problems(**medium, impossible=False))
def test_the_best_bound_is_the_soft_value_of_the_start(mdp):
    best = soft_values(mdp)
    bound = elbo(mdp, best.policy)
    assert bound == pytest.approx(best.value / mdp.temperature, rel=1e-10, abs=1e-10)
    assert elbo(mdp, backward_messages(mdp).policy) <= bound + 1e-10


@given(full_problems(**medium, kinds=("deterministic",), impossible=False))
def test_without_chance_the_posterior_policy_closes_the_bound(mdp):
    mdp = rebuilt(mdp, initial=np.eye(mdp.num_states)[0])
    policy = backward_messages(mdp).policy
    gap = kl_to_posterior(mdp, policy)
    assert max(map(abs, gap)) < 1e-12
    assert elbo(mdp, policy) == pytest.approx(log_evidence(mdp), rel=1e-12, abs=1e-12)


def test_under_chance_no_policy_closes_the_bound():
    mdp = random_mdp(0, temperature=0.5)
    best = soft_values(mdp).policy
    gap = kl_to_posterior(mdp, best)
    assert gap.luck > 1e-3
    assert gap.initial > 1e-3
    assert elbo(mdp, best) < log_evidence(mdp) - 1e-3


def test_at_the_best_policy_the_policys_share_need_not_vanish():
    mdp = lottery(0.3)
    best, believed = soft_values(mdp).policy, backward_messages(mdp).policy
    assert kl_to_posterior(mdp, best).policy > 0.01
    assert kl_to_posterior(mdp, believed).policy == pytest.approx(0, abs=1e-14)
    assert elbo(mdp, believed) < elbo(mdp, best)


def test_the_free_family_reaches_the_evidence_at_the_posterior_only():
    mdp = larger(0, next_state=True)
    believed = [posterior_dynamics(mdp, t) for t in range(mdp.horizon)]
    policy, start = backward_messages(mdp).policy, posterior_initial(mdp)
    best = elbo(mdp, policy, dynamics=believed, initial=start)
    assert best == pytest.approx(log_evidence(mdp), rel=1e-12)
    for seed in range(5):
        other = random_moves(mdp, seed)
        assert elbo(mdp, policy, dynamics=other, initial=start) < best
        assert elbo(mdp, policy, dynamics=believed, initial=random_start(mdp, seed)) < best


def test_the_move_after_the_last_step_may_be_left_out_where_nothing_is_paid_for_it():
    mdp = larger(1)
    believed = [posterior_dynamics(mdp, t) for t in range(mdp.horizon - 1)]
    policy = backward_messages(mdp).policy
    bound = elbo(mdp, policy, dynamics=believed, initial=posterior_initial(mdp))
    assert bound == pytest.approx(log_evidence(mdp), rel=1e-12)


# Constants, and what is impossible.


def test_without_reward_the_prior_reaches_the_bound_zero():
    mdp = rebuilt(random_mdp(2), reward=np.zeros((6, 3)))
    assert elbo(mdp, mdp.action_prior) == pytest.approx(0, abs=1e-14)
    assert kl_to_posterior(mdp, mdp.action_prior).total == pytest.approx(0, abs=1e-14)


def test_the_two_state_example_in_fractions():
    """Staying at home for certain: by hand."""
    _, mdp = two_states()
    home = [[1.0, 0.0], [1.0, 0.0]]
    # from home: log 1/2 - log 4 twice; from away: log 1 once, then home or away by a coin.
    from_home = 2 * (math.log(1 / 2) - math.log(4))
    from_away = 0.5 * from_home / 2
    terms = bound_terms(mdp, home)
    assert terms.elbo == pytest.approx(2 / 3 * from_home + 1 / 3 * from_away, rel=1e-14)
    assert terms.policy_divergence == pytest.approx((2 / 3 * 2 + 1 / 3 * 0.5) * math.log(4))


def test_what_the_prior_forbids_makes_the_bound_minus_infinity():
    mdp = random_mdp(1, kind="sparse")
    assert np.any(mdp.action_prior == 0)
    terms = bound_terms(mdp, np.full((6, 3), 1 / 3))
    assert terms.policy_divergence == math.inf
    assert terms.elbo == -math.inf
    assert math.isfinite(terms.reward)


def test_what_is_forbidden_does_not_count_where_the_policy_never_goes():
    P = np.zeros((2, 2, 2))
    P[0, :, 0] = P[1, :, 1] = 1.0
    mdp = TabularMDP.from_arrays(
        transition=P,
        reward=[[0.0, -1.0], [-np.inf, 0.0]],
        initial=[1.0, 0.0],
        horizon=3,
        action_prior=[[0.5, 0.5], [1.0, 0.0]],
    )
    policy = [[1.0, 0.0], [0.0, 1.0]]  # forbidden in state 1, which is never reached
    assert elbo(mdp, policy) == pytest.approx(-3 * math.log(2))


def test_moves_that_cannot_happen_make_the_bound_minus_infinity():
    mdp = random_mdp(1, kind="deterministic")
    everywhere = np.full((6, 3, 6), 1 / 6)
    terms = bound_terms(mdp, mdp.action_prior, dynamics=everywhere)
    assert terms.dynamics_divergence == math.inf
    assert terms.elbo == -math.inf


@given(full_problems(**medium), seeds)
def test_no_bound_is_ever_nan(mdp, seed):
    terms = bound_terms(mdp, random_policy(mdp, seed))
    assert not np.isnan([*terms, terms.elbo]).any()
    if possible(mdp):
        assert not np.isnan(kl_to_posterior(mdp, random_policy(mdp, seed))).any()


def test_impossible_optimality_has_no_posterior_to_compare_with():
    mdp = rebuilt(random_mdp(0), reward=np.full((6, 3), -np.inf))
    with pytest.raises(ValueError, match="optimality is impossible"):
        kl_to_posterior(mdp, mdp.action_prior)
    assert elbo(mdp, mdp.action_prior) == -math.inf


def test_posteriors_too_unlikely_for_floating_point_keep_a_finite_gap():
    """``exp(-2000)`` is 0 in floating point, its logarithm is not."""
    mdp = rebuilt(random_mdp(0), reward=-2000 * np.arange(18.0).reshape(6, 3))
    gap = kl_to_posterior(mdp, mdp.action_prior)
    assert math.isfinite(gap.total)
    total = elbo(mdp, mdp.action_prior) + gap.total
    assert total == pytest.approx(log_evidence(mdp), rel=1e-10)


# Bad input.


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.full((2, 3), 1 / 3), r"policy must have shape \(T, S, A\)"),
        (np.full((6, 3), 0.3), r"policy\[0\]\[s, :\] must sum to 1"),
        (np.full((6, 3), np.nan), "policy must be finite and not negative"),
    ],
)
def test_a_wrong_policy_is_refused(policy, message):
    mdp = random_mdp(0)
    for function in (elbo, kl_to_posterior):
        with pytest.raises(ValueError, match=message):
            function(mdp, policy)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dynamics": [np.eye(6)[:, None].repeat(3, 1)] * 2}, r"a list of T - 1 = 4 or T = 5"),
        ({"dynamics": np.ones((2, 3, 2)) / 2}, r"dynamics\[0\] must be of the problem's size"),
        ({"initial": np.ones(5) / 5}, r"initial must have shape \(6,\)"),
        ({"initial": np.ones(6)}, r"initial\[:\] must sum to 1"),
        (
            {"dynamics": Sparse.unchecked(np.zeros((6, 3, 1), int), np.zeros((6, 3, 1)))},
            r"the states that dynamics\[0\] leads to",
        ),
    ],
)
def test_wrong_dynamics_or_first_states_are_refused(options, message):
    mdp = random_mdp(0)
    with pytest.raises(ValueError, match=message):
        elbo(mdp, mdp.action_prior, **options)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_not_above_zero_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be"):
        random_mdp(0, temperature=temperature)


# Libraries, batches, kinds of dynamics.


@pytest.mark.parametrize("next_state", [False, True])
def test_a_batch_is_its_problems_side_by_side(next_state):
    problems = [random_mdp(seed, kind="sparse", next_state=next_state) for seed in range(4)]
    batch = TabularMDP.stack(problems)
    policy = np.stack([random_policy(mdp, 7) for mdp in problems])
    moves = [np.stack([random_moves(mdp, 3)[t] for mdp in problems]) for t in range(5)]
    for b, mdp in enumerate(problems):
        one = bound_terms(mdp, policy[b], dynamics=[m[b] for m in moves])
        np.testing.assert_allclose([x[b] for x in bound_terms(batch, policy, dynamics=moves)], one)
        np.testing.assert_allclose(elbo(batch, policy)[b], elbo(mdp, policy[b]), **CLOSE)
        gaps = kl_to_posterior(mdp, policy[b])
        np.testing.assert_allclose([x[b] for x in kl_to_posterior(batch, policy)], gaps, **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_gives_what_numpy_gives(kind):
    mdp = random_mdp(3, kind=kind, next_state=True, temperature=0.5)
    policy, tensors = random_policy(mdp, 3), mdp.to_torch()
    moves = [torch.tensor(m) for m in random_moves(mdp, 3)]
    got = bound_terms(tensors, torch.tensor(policy), dynamics=moves)
    wanted = bound_terms(mdp, policy, dynamics=[m.numpy() for m in moves])
    np.testing.assert_allclose([x.item() for x in got], wanted, **CLOSE)
    gap = kl_to_posterior(tensors, torch.tensor(policy))
    np.testing.assert_allclose([x.item() for x in gap], kl_to_posterior(mdp, policy), **CLOSE)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_single_precision_stays_single_and_close(library):
    mdp = larger(0)
    single = mdp.to_numpy(dtype=np.float32)
    policy = random_policy(mdp, 0)
    given = policy.astype(np.float32)
    if library == "torch":
        single, given = single.to_torch(), torch.tensor(given)
    assert float(elbo(single, given)) == pytest.approx(elbo(mdp, policy), rel=1e-5)
    gap = kl_to_posterior(single, given)
    assert float(gap.total) == pytest.approx(kl_to_posterior(mdp, policy).total, rel=1e-4)
    if library == "torch":
        assert elbo(single, given).dtype == torch.float32


def test_lists_and_tables_of_the_same_dynamics_give_the_same_bound():
    mdp = larger(1, next_state=True)
    lists = rebuilt(mdp, transition=mdp.dynamics.to_sparse())
    policy = random_policy(mdp, 0)
    assert elbo(lists, policy) == pytest.approx(elbo(mdp, policy), rel=1e-12)
    believed, start = [posterior_dynamics(lists, t) for t in range(15)], posterior_initial(mdp)
    for world in (mdp, lists):  # lists of successors, also where the true ones are a table
        bound = elbo(world, backward_messages(mdp).policy, dynamics=believed, initial=start)
        assert bound == pytest.approx(log_evidence(mdp), rel=1e-12)


# Gradients.


def test_the_gradient_of_the_bound_in_the_reward_is_where_the_policy_goes():
    mdp = random_mdp(5, temperature=0.7)
    policy = torch.tensor(random_policy(mdp, 5))
    tensors = mdp.to_torch()
    reward = tensors.reward.clone().requires_grad_()
    bound = elbo(rebuilt(tensors, reward=reward), policy)
    bound.backward()
    occupancy = policy_occupancy(mdp, policy.numpy())
    np.testing.assert_allclose(reward.grad.numpy(), occupancy / 0.7, **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_in_the_policy_vanishes_at_the_best_one_only(kind):
    tensors = random_mdp(6, kind=kind, temperature=0.7).to_torch()

    def slope(logits):
        logits = logits.clone().requires_grad_()
        weight = tensors.action_prior * torch.exp(logits)
        elbo(tensors, weight / weight.sum(-1, keepdim=True)).backward()
        return float(logits.grad.abs().max())

    best = soft_values(tensors)
    assert slope(best.Q / 0.7) < 1e-12
    assert slope(torch.zeros_like(best.Q)) > 1e-3


def test_gradients_are_finite_where_something_is_forbidden():
    mdp = random_mdp(1, kind="sparse").to_torch()
    reward = mdp.reward.clone()
    reward[0, 0, 0] = -math.inf
    reward.requires_grad_()
    policy = mdp.action_prior.clone()
    policy[0] = torch.tensor([0.0, *(mdp.action_prior[0, 1:] + 1e-9)])
    policy[0] /= policy[0].sum()
    policy.requires_grad_()
    elbo(rebuilt(mdp, reward=reward), policy).backward()
    assert torch.isfinite(policy.grad).all()
    assert torch.isfinite(reward.grad).all()


def test_what_is_no_probability_where_nobody_goes_is_refused():
    stay = rebuilt(random_mdp(0, S=2, A=1, T=2), transition=np.eye(2)[:, None], initial=[1.0, 0.0])
    for function in (elbo, bound_terms, kl_to_posterior):
        with pytest.raises(ValueError, match=r"policy\[1, 0\] is nan"):
            function(stay, [[1.0], [math.nan]])


def test_tensors_do_not_mix_with_a_problem_in_numpy():
    mdp = random_mdp(0)
    policy, tensor = mdp.action_prior, torch.tensor(np.array(mdp.transition))
    with pytest.raises(ValueError, match="policy must be a numpy array or a list"):
        elbo(mdp, torch.tensor(np.array(policy)))
    with pytest.raises(ValueError, match=r"dynamics\[0\] must be a numpy array or a list"):
        elbo(mdp, policy, dynamics=tensor)
    with pytest.raises(ValueError, match=r"dynamics\[0\] must be of the problem's library"):
        elbo(mdp, policy, dynamics=mdp.to_torch().dynamics)
    # What is in numpy follows a problem in torch.
    assert float(elbo(mdp.to_torch(), policy, dynamics=mdp.transition)) == pytest.approx(
        elbo(mdp, policy)
    )
