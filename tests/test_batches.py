"""Many problems at once: a batch is a loop, only faster."""

import numpy as np
import pytest
from problems import KINDS, bandit, random_mdp, rebuilt, slippery_grid

from cs_infer import (
    TabularMDP,
    backward_messages,
    forward_messages,
    optimism_gap,
    pairwise_marginals,
    policy_occupancy,
    policy_return,
    posterior_dynamics,
    posterior_initial,
    smoothed_marginals,
    soft_values,
    stationary_messages,
    stationary_soft_values,
    zero_temperature_values,
)
from cs_infer.dynamics import Dense, Deterministic, Sparse

pytestmark = pytest.mark.filterwarnings("error")


def several(kind="stochastic", *, count=4, S=5, A=3, T=6, next_state=False):
    return [
        random_mdp(seed, S=S, A=A, T=T, kind=kind, next_state=next_state, temperature=0.7)
        for seed in range(count)
    ]


ANSWERS = {
    "log beta of states": lambda mdp: backward_messages(mdp).log_beta_s,
    "log beta of pairs": lambda mdp: backward_messages(mdp).log_beta_sa,
    "policy": lambda mdp: backward_messages(mdp).policy,
    "advantage": lambda mdp: backward_messages(mdp).advantage,
    "log evidence": lambda mdp: backward_messages(mdp).log_evidence,
    "one step": lambda mdp: backward_messages(mdp).step(2)[1],
    "forward": lambda mdp: forward_messages(mdp).log_forward,
    "filtered": lambda mdp: forward_messages(mdp).filtered,
    "smoothed states": lambda mdp: smoothed_marginals(mdp).state,
    "smoothed pairs": lambda mdp: smoothed_marginals(mdp).state_action,
    "first state": posterior_initial,
    "posterior dynamics": lambda mdp: posterior_dynamics(mdp, 1).transition,
    "optimism gap": optimism_gap,
    "soft V": lambda mdp: soft_values(mdp).V,
    "soft Q": lambda mdp: soft_values(mdp).Q,
    "soft policy": lambda mdp: soft_values(mdp).policy,
    "soft value": lambda mdp: soft_values(mdp).value,
    "occupancy": lambda mdp: policy_occupancy(mdp, soft_values(mdp).policy),
    "return": lambda mdp: policy_return(mdp, soft_values(mdp).policy),
    "exact limit": lambda mdp: zero_temperature_values(mdp, reading="exact").V,
    "variational limit": lambda mdp: zero_temperature_values(mdp, reading="variational").V,
}
answers = pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)


def check(ask, batch, singles):
    together = np.asarray(ask(batch))
    alone = np.stack([np.asarray(ask(mdp)) for mdp in singles])
    assert together.shape == alone.shape
    np.testing.assert_allclose(together, alone, rtol=1e-11, atol=1e-11)


@answers
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_problems_is_a_loop_over_them(kind, ask):
    problems = several(kind)
    check(ask, TabularMDP.stack(problems), problems)


@answers
def test_a_batch_with_rewards_on_the_next_state_is_a_loop_too(ask):
    problems = several(next_state=True)
    check(ask, TabularMDP.stack(problems), problems)


@answers
@pytest.mark.parametrize("form", ["dense", "sparse", "deterministic"])
def test_many_rewards_may_share_one_dynamics(form, ask):
    rng = np.random.default_rng(0)
    grid = slippery_grid(4)
    S, A, T = 16, 5, 7
    dynamics = {
        "dense": Dense(rng.dirichlet(np.ones(S), size=(S, A))),
        "sparse": Sparse(grid.next_state, grid.probability),
        "deterministic": Deterministic(grid.next_state[:, :, 0]),
    }[form]
    reward = -2 * rng.random((3, T, S, A))
    options = {"transition": dynamics, "initial": np.full(S, 1 / S), "horizon": T}
    batch = TabularMDP.from_arrays(reward=reward, **options)
    check(ask, batch, [TabularMDP.from_arrays(reward=r, **options) for r in reward])


def test_a_batch_of_constant_rewards_needs_no_time_axis_of_its_own():
    rng = np.random.default_rng(0)
    mdp = random_mdp(1, S=5, A=3, T=6)
    rewards = -rng.random((3, 1, 5, 3))
    options = {"transition": mdp.transition, "initial": mdp.initial, "horizon": 6}
    batch = TabularMDP.from_arrays(reward=rewards, **options)
    singles = [TabularMDP.from_arrays(reward=r[0], **options) for r in rewards]
    check(ANSWERS["log beta of states"], batch, singles)
    check(ANSWERS["smoothed pairs"], batch, singles)


def test_a_batch_may_differ_in_start_and_in_prior_as_well():
    problems = several()
    batch = TabularMDP.from_arrays(
        transition=np.stack([mdp.transition for mdp in problems]),
        reward=np.stack([mdp.reward for mdp in problems]),
        initial=np.stack([mdp.initial for mdp in problems]),
        action_prior=np.stack([mdp.action_prior for mdp in problems]),
        horizon=6,
        temperature=0.7,
    )
    check(ANSWERS["smoothed pairs"], batch, problems)
    check(ANSWERS["soft value"], batch, problems)


def test_a_batch_of_batches_of_one_is_the_problem_itself():
    mdp = random_mdp(2)
    batch = TabularMDP.stack([mdp])
    assert backward_messages(batch).log_beta_s.shape == (1, *mdp.reward.shape[:2])
    check(ANSWERS["log evidence"], batch, [mdp])


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_a_batch_can_be_taken_out_again(kind):
    problems = several(kind)
    batch = TabularMDP.stack(problems)
    for b, mdp in enumerate(problems):
        np.testing.assert_array_equal(batch[b].transition, mdp.transition)
        np.testing.assert_array_equal(batch[b].reward, mdp.reward)
        np.testing.assert_allclose(
            backward_messages(batch[b]).log_beta_s, backward_messages(mdp).log_beta_s, atol=1e-12
        )
        assert isinstance(backward_messages(batch[b]).log_evidence, float)


def test_many_small_problems_at_once():
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(8), size=(500, 8, 4))
    reward = -rng.random((500, 10, 8, 4))
    batch = TabularMDP.from_arrays(
        transition=P, reward=reward, initial=np.full(8, 1 / 8), horizon=10
    )
    messages = backward_messages(batch)
    assert messages.log_beta_s.shape == (500, 10, 8)
    for b in (0, 123, 499):
        one = TabularMDP.from_arrays(
            transition=P[b], reward=reward[b], initial=np.full(8, 1 / 8), horizon=10
        )
        np.testing.assert_allclose(
            messages.log_beta_s[b], backward_messages(one).log_beta_s, rtol=1e-12
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", ["as it is", "sparse"])
def test_long_problems_of_constant_reward_are_a_loop_too(kind, stored):
    """Long enough for the actions to be summed out beforehand."""
    problems = [
        rebuilt(
            mdp,
            reward=mdp.reward[0] * 20,
            horizon=70,
            transition=mdp.dynamics if stored == "as it is" else mdp.dynamics.to_sparse(),
        )
        for mdp in several(kind, T=1)
    ]
    batch = TabularMDP.stack(problems)
    check(ANSWERS["log beta of states"], batch, problems)
    check(ANSWERS["policy"], batch, problems)
    check(ANSWERS["smoothed pairs"], batch, problems)
    for b, mdp in enumerate(problems):
        np.testing.assert_allclose(batch[b].reward, mdp.reward)


@answers
@pytest.mark.parametrize("form", ["dense", "sparse", "deterministic"])
@pytest.mark.parametrize("horizon", [4, 70])
def test_many_dynamics_may_share_one_reward_and_one_prior(form, horizon, ask):
    """A reward of shape (S, A), a prior of shape (S, A), and as many worlds as there are."""
    rng, (S, A, K, B) = np.random.default_rng(0), (7, 3, 2, 4)
    successors = rng.integers(S, size=(B, S, A, K))
    P = rng.dirichlet(np.ones(K), size=(B, S, A))
    build = {
        "dense": lambda n, p: Sparse(n, p).to_dense(),
        "sparse": Sparse,
        "deterministic": lambda n, p: Deterministic(n[..., 0]),
    }[form]
    options = {
        "reward": -3 * rng.random((S, A)),
        "initial": rng.dirichlet(np.ones(S)),
        "action_prior": rng.dirichlet(np.ones(A), size=S),
        "horizon": horizon,
        "temperature": 0.7,
    }
    batch = TabularMDP.from_arrays(transition=build(successors, P), **options)
    check(
        ask,
        batch,
        [
            TabularMDP.from_arrays(transition=build(n, p), **options)
            for n, p in zip(successors, P, strict=True)
        ],
    )


def test_an_impossible_problem_does_not_disturb_its_neighbours():
    """Messages that span thousands of nats, or none at all, beside ordinary ones."""
    calm, hopeless = bandit([0.0, -1.0], horizon=4), bandit([-np.inf, -np.inf], horizon=4)
    costly = bandit([-2000.0, -3000.0], horizon=4)
    batch = TabularMDP.stack([calm, hopeless, costly])
    messages, smoothed = backward_messages(batch), smoothed_marginals(batch)
    for b, mdp in enumerate((calm, hopeless, costly)):
        one = backward_messages(mdp)
        np.testing.assert_allclose(messages.log_beta_s[b], one.log_beta_s, rtol=1e-12)
        np.testing.assert_allclose(messages.policy[b], one.policy, atol=1e-12)
        np.testing.assert_allclose(
            smoothed.state_action[b], smoothed_marginals(mdp).state_action, atol=1e-12
        )
    assert messages.log_evidence[1] == -np.inf


@pytest.mark.parametrize("kind", KINDS)
def test_pairwise_marginals_of_a_batch_add_up(kind):
    problems = several(kind)
    batch = TabularMDP.stack(problems)
    pairs = np.asarray(pairwise_marginals(batch, 2))
    np.testing.assert_allclose(
        pairs.sum(axis=-1), smoothed_marginals(batch).state_action[:, 2], atol=1e-12
    )


@pytest.mark.parametrize("solve", [stationary_messages, stationary_soft_values])
def test_a_batch_of_endless_problems_settles_together(solve):
    problems = [rebuilt(mdp, reward=mdp.reward[0]) for mdp in several()]
    batch = TabularMDP.from_arrays(
        transition=np.stack([mdp.transition for mdp in problems]),
        reward=np.stack([mdp.reward[:1] for mdp in problems]),
        initial=np.stack([mdp.initial for mdp in problems]),
        action_prior=np.stack([mdp.action_prior for mdp in problems]),
        horizon=1,
        temperature=0.7,
    )
    together = solve(batch, discount=0.9).policy
    alone = np.stack([solve(mdp, discount=0.9).policy for mdp in problems])
    np.testing.assert_allclose(together, alone, atol=1e-8)


# Errors.


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reward": np.zeros((4, 3, 2, 2))}, "4"),
        ({"initial": np.full((2, 2), 0.5)}, "initial"),
        ({"action_prior": np.full((5, 2, 2), 0.5)}, "action_prior"),
        ({"reward": np.zeros((3, 2, 2, 2))}, "reward"),
    ],
)
def test_parts_of_a_batch_that_do_not_match_are_refused(change, says):
    options = {
        "transition": np.full((3, 2, 2, 2), 0.5),
        "reward": np.zeros((3, 3, 2, 2)),
        "initial": [0.5, 0.5],
        "horizon": 3,
    }
    with pytest.raises(ValueError, match=r"shape|batch|B") as refusal:
        TabularMDP.from_arrays(**(options | change))
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    "others",
    [
        lambda: [random_mdp(0), random_mdp(0, S=5)],
        lambda: [random_mdp(0), random_mdp(0, A=2)],
        lambda: [random_mdp(0), random_mdp(0, T=4)],
        lambda: [random_mdp(0), random_mdp(0, temperature=2.0)],
        list,
    ],
)
def test_problems_of_different_size_cannot_be_stacked(others):
    with pytest.raises(ValueError, match=r"stack|batch|same|equal|size"):
        TabularMDP.stack(others())


def test_a_problem_that_is_no_batch_has_no_members():
    with pytest.raises((TypeError, ValueError, IndexError), match=r"batch"):
        random_mdp(0)[0]
    with pytest.raises((IndexError, ValueError), match=r"7|range|bounds"):
        TabularMDP.stack(several())[7]


def with_rewards_on_arrival(dynamics, reward_next, **options):
    S, A = dynamics.num_states, dynamics.num_actions
    return TabularMDP.from_arrays(
        transition=dynamics,
        reward=-np.arange(S * A).reshape(S, A) / 7,
        initial=np.full(S, 1 / S),
        horizon=3,
        reward_next=reward_next,
        **options,
    )


def random_lists(rng, *lead, S=4, A=2, K=2):
    probability = rng.dirichlet(np.ones(K), size=(*lead, S, A))
    return Sparse(rng.integers(S, size=(*lead, S, A, K)), probability)


@pytest.mark.parametrize("form", ["sparse", "dense", "certain"])
@pytest.mark.parametrize("batched", ["rewards on arrival", "dynamics"])
def test_rewards_on_arrival_or_the_dynamics_alone_may_differ(form, batched, rng):
    lead = (3,) if batched == "dynamics" else ()
    dynamics = random_lists(rng, *lead)
    if form == "dense":
        dynamics = dynamics.to_dense()
    elif form == "certain":
        dynamics = Deterministic(dynamics.next_state[..., 0])
    shape = (4, 2, 4) if batched == "dynamics" else (3, 4, 2, 4)
    batch = with_rewards_on_arrival(dynamics, -rng.random(shape))
    assert batch.batch == 3
    for ask in (ANSWERS["log beta of pairs"], ANSWERS["soft Q"], ANSWERS["smoothed pairs"]):
        check(ask, batch, [batch[b] for b in range(3)])


def test_rewards_on_arrival_of_another_batch_size_are_refused(rng):
    with pytest.raises(ValueError, match="initial has 2, reward_next has 3"):
        TabularMDP.from_arrays(
            transition=random_lists(rng),
            reward=np.zeros((4, 2)),
            initial=np.full((2, 4), 0.25),
            horizon=2,
            reward_next=np.zeros((3, 4, 2, 4)),
        )


def test_rewards_in_the_order_of_full_lists_are_not_taken_for_rewards_of_states(rng):
    dynamics = Sparse(np.tile([1, 0], (2, 2, 1)), rng.dirichlet(np.ones(2), size=(2, 2)))
    singles = [with_rewards_on_arrival(dynamics, -rng.random((2, 2, 2))) for _ in range(3)]
    check(ANSWERS["log evidence"], TabularMDP.stack(singles), singles)


def test_one_stationary_policy_serves_every_problem_of_a_batch():
    singles = several()
    uniform = np.full((5, 3), 1 / 3)
    together = policy_return(TabularMDP.stack(singles), uniform)
    np.testing.assert_allclose(together, [policy_return(mdp, uniform) for mdp in singles])
    with pytest.raises(ValueError, match=r"policy must have shape .* in this batch also"):
        policy_occupancy(TabularMDP.stack(singles), np.full((3, 6, 5, 3), 1 / 3))


def test_problems_of_two_precisions_cannot_be_stacked():
    mdp = random_mdp(0)
    with pytest.raises(ValueError, match="problem 0 is numpy float64, problem 1 is numpy float32"):
        TabularMDP.stack([mdp, mdp.to_numpy(dtype=np.float32)])


def test_a_batch_is_indexed_by_whole_numbers():
    with pytest.raises(TypeError, match="slice"):
        TabularMDP.stack(several())[0:2]
