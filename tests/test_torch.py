"""One code for numpy and torch: the same numbers, on every device, and their gradients."""

import math
import warnings

import numpy as np
import pytest
from problems import KINDS, bandit, corridor, random_mdp, rebuilt, slippery_grid

from cs_infer import (
    TabularMDP,
    backward_messages,
    compiled_backward,
    forward_messages,
    most_likely_trajectory,
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

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("error")

on_gpu = pytest.mark.gpu


@pytest.fixture
def device():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    return "cuda"


def numbers(x):
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


ANSWERS = {
    "log beta of states": lambda mdp: backward_messages(mdp).log_beta_s,
    "log beta of pairs": lambda mdp: backward_messages(mdp).log_beta_sa,
    "policy": lambda mdp: backward_messages(mdp).policy,
    "advantage": lambda mdp: backward_messages(mdp).advantage,
    "log evidence": lambda mdp: backward_messages(mdp).log_evidence,
    "one step": lambda mdp: backward_messages(mdp).step(2)[0],
    "forward": lambda mdp: forward_messages(mdp).log_forward,
    "filtered": lambda mdp: forward_messages(mdp).filtered,
    "smoothed states": lambda mdp: smoothed_marginals(mdp).state,
    "smoothed pairs": lambda mdp: smoothed_marginals(mdp).state_action,
    "moves": lambda mdp: pairwise_marginals(mdp, 1),
    "first state": posterior_initial,
    "posterior dynamics": lambda mdp: posterior_dynamics(mdp, 1).transition,
    "optimism gap": optimism_gap,
    "soft V": lambda mdp: soft_values(mdp).V,
    "soft Q": lambda mdp: soft_values(mdp).Q,
    "soft policy": lambda mdp: soft_values(mdp).policy,
    "soft value": lambda mdp: soft_values(mdp).value,
    "occupancy": lambda mdp: policy_occupancy(mdp, backward_messages(mdp).policy),
    "return": lambda mdp: policy_return(mdp, backward_messages(mdp).policy),
    "exact limit": lambda mdp: zero_temperature_values(mdp, reading="exact").Q,
    "variational limit": lambda mdp: zero_temperature_values(mdp, reading="variational").policy,
    "likeliest states": lambda mdp: most_likely_trajectory(mdp).states,
}
CASES = {
    **{kind: random_mdp(3, kind=kind, temperature=0.6) for kind in KINDS},
    "next state": random_mdp(4, next_state=True),
    "patterns": rebuilt(
        random_mdp(5),
        terminal_value=[0.0, -1.0, -np.inf, 0.5, 0.0, 0.0],
        observed=[False, True, True, False, True],
    ),
    "far apart": corridor(5, horizon=5, step_cost=400.0),
}
cases = pytest.mark.parametrize("mdp", CASES.values(), ids=CASES)
answers = pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)


# The same numbers.


@cases
@answers
def test_numpy_and_torch_give_the_same_numbers(mdp, ask):
    here, there = ask(mdp), ask(mdp.to_torch())
    np.testing.assert_allclose(numbers(there), numbers(here), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("solve", [stationary_messages, stationary_soft_values])
@pytest.mark.parametrize("kind", KINDS)
def test_the_endless_horizon_too(solve, kind):
    mdp = random_mdp(3, T=1, kind=kind)
    mdp = rebuilt(mdp, reward=mdp.reward[0])
    here, there = solve(mdp, discount=0.9), solve(mdp.to_torch(), discount=0.9)
    np.testing.assert_allclose(numbers(there.policy), here.policy, atol=1e-10)


@answers
def test_torch_in_torch_out_of_the_same_type(ask):
    mdp = random_mdp(3)
    for dtype in (torch.float64, torch.float32):
        answer = ask(mdp.to_torch(dtype=dtype))
        assert isinstance(answer, torch.Tensor)
        if answer.is_floating_point():
            assert answer.dtype == dtype
        assert answer.device.type == "cpu"


def test_a_problem_built_from_tensors_is_a_torch_problem():
    mdp = random_mdp(3)
    tensors = {
        name: torch.tensor(np.array(getattr(mdp, name)))
        for name in ("transition", "reward", "initial", "action_prior")
    }
    built = TabularMDP.from_arrays(**tensors, horizon=mdp.horizon)
    messages = backward_messages(built)
    assert isinstance(messages.log_beta_s, torch.Tensor)
    np.testing.assert_allclose(
        numbers(messages.log_beta_s), backward_messages(mdp).log_beta_s, atol=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_is_the_same_problem(kind):
    mdp = random_mdp(3, kind=kind, temperature=0.4)
    back = mdp.to_torch().to_numpy()
    for name in ("transition", "reward", "initial", "action_prior"):
        kept = getattr(back, name)
        assert isinstance(kept, np.ndarray)
        np.testing.assert_array_equal(kept, getattr(mdp, name))
    assert (back.horizon, back.temperature) == (mdp.horizon, mdp.temperature)


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "likeliest states"])
def test_a_batch_in_torch_is_a_batch_in_numpy(name):
    batch, ask = TabularMDP.stack([random_mdp(s, kind="sparse") for s in range(3)]), ANSWERS[name]
    here, there = numbers(ask(batch)), numbers(ask(batch.to_torch()))
    np.testing.assert_allclose(there, here, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("form", ["dense", "sparse", "deterministic"])
@pytest.mark.parametrize("spread", [1.0, 700.0, 1e5])
def test_dynamics_of_tensors_give_the_numbers_of_arrays(form, spread):
    rng = np.random.default_rng(0)
    grid = slippery_grid(6)
    v, m = -spread * rng.random(36), -spread * rng.random((36, 5))
    v[3] = m[5, 1] = -np.inf
    here = {
        "dense": lambda: Sparse(grid.next_state, grid.probability).to_dense(),
        "sparse": lambda: Sparse(grid.next_state, grid.probability),
        "deterministic": lambda: Deterministic(grid.next_state[:, :, 0]),
    }[form]()
    there = {
        "dense": lambda: Dense(torch.tensor(here.transition)),
        "sparse": lambda: Sparse(
            torch.tensor(grid.next_state), torch.tensor(np.array(grid.probability))
        ),
        "deterministic": lambda: Deterministic(torch.tensor(grid.next_state[:, :, 0].copy())),
    }[form]()
    for name in ("log_expect", "expect", "best"):
        got = getattr(there, name)(torch.tensor(v))
        np.testing.assert_allclose(numbers(got), getattr(here, name)(v), rtol=1e-12, atol=1e-12)
    got = there.log_push(torch.tensor(m))
    np.testing.assert_allclose(numbers(got), here.log_push(m), rtol=1e-12, atol=1e-12)


# Gradients.


def evidence_and_gradient(mdp, reward):
    reward = torch.tensor(np.array(reward), requires_grad=True)
    options = {
        name: torch.tensor(np.array(getattr(mdp, name)))
        for name in ("transition", "initial", "action_prior", "reward_next", "terminal_value")
        if getattr(mdp, name) is not None
    }
    built = TabularMDP.from_arrays(
        **options,
        reward=reward,
        horizon=mdp.horizon,
        temperature=mdp.temperature,
        observed=mdp.observed,
    )
    log_evidence = backward_messages(built).log_evidence
    log_evidence.backward()
    return log_evidence.detach(), reward.grad.numpy()


@cases
def test_the_gradient_of_the_evidence_is_where_an_optimal_agent_goes(mdp):
    """``d log p(O) / d r_t(s, a) = p(s_t, a_t | O) / alpha``, where the step is observed."""
    log_evidence, gradient = evidence_and_gradient(mdp, mdp.reward)
    seen = np.ones(mdp.horizon) if mdp.observed is None else np.asarray(mdp.observed)
    expected = smoothed_marginals(mdp).state_action * seen[:, None, None] / mdp.temperature
    assert log_evidence.item() == pytest.approx(backward_messages(mdp).log_evidence)
    np.testing.assert_allclose(gradient, expected, atol=1e-12)
    assert gradient.sum() == pytest.approx(seen.sum() / mdp.temperature)


def test_the_gradient_holds_its_ground_over_a_thousand_steps():
    mdp = random_mdp(1, S=4, A=3, T=1)
    mdp = rebuilt(mdp, reward=-500 * np.random.default_rng(0).random((1000, 4, 3)), horizon=1000)
    _, gradient = evidence_and_gradient(mdp, mdp.reward)
    np.testing.assert_allclose(gradient, smoothed_marginals(mdp).state_action, atol=1e-8)
    assert gradient.sum() == pytest.approx(1000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_finite_where_optimality_is_impossible(kind):
    """Some actions, some states and some whole steps cannot be optimal."""
    mdp = random_mdp(2, kind=kind)
    reward = np.array(mdp.reward)
    reward[:, :, 1] = -np.inf
    reward[1:3, 2] = -np.inf
    mdp = rebuilt(mdp, reward=reward)
    _, gradient = evidence_and_gradient(mdp, reward)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient, smoothed_marginals(mdp).state_action, atol=1e-12)


@pytest.mark.parametrize("impossible", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_a_constant_reward_adds_up_over_the_steps(kind, impossible):
    """Long enough for the actions to be summed out beforehand."""
    mdp = random_mdp(2, T=1, kind=kind)
    reward = np.array(mdp.reward[0])
    if impossible:
        reward[2, 1] = reward[3] = -np.inf
    mdp = rebuilt(mdp, reward=reward, horizon=80)
    _, gradient = evidence_and_gradient(mdp, reward)
    expected = smoothed_marginals(mdp).state_action.sum(axis=0)
    np.testing.assert_allclose(gradient, expected, atol=1e-10)


def test_the_gradient_of_evidence_zero_is_zero_and_not_nan():
    mdp = bandit([-np.inf, -np.inf], horizon=3)
    log_evidence, gradient = evidence_and_gradient(mdp, mdp.reward)
    assert float(log_evidence) == -np.inf
    assert np.isfinite(gradient).all()


def test_the_gradient_flows_to_prior_start_and_dynamics():
    """Against finite differences of the log-evidence in numpy."""
    mdp = random_mdp(6, S=3, A=2, T=4)
    tensors = {
        name: torch.tensor(np.array(getattr(mdp, name)), requires_grad=True)
        for name in ("transition", "initial", "action_prior")
    }
    built = TabularMDP.from_arrays(
        **tensors, reward=torch.tensor(np.array(mdp.reward)), horizon=mdp.horizon
    )
    backward_messages(built).log_evidence.backward()
    rng, h = np.random.default_rng(0), 1e-6
    for name, tensor in tensors.items():
        direction = rng.normal(size=tensor.shape)
        direction -= direction.mean(axis=-1, keepdims=True)
        up, down = (
            backward_messages(
                rebuilt(mdp, **{name: np.array(getattr(mdp, name)) + sign * h * direction})
            ).log_evidence
            for sign in (1, -1)
        )
        slope = float(np.sum(tensor.grad.numpy() * direction))
        assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_soft_value_has_the_soft_policys_occupancy_as_its_gradient(kind):
    mdp = random_mdp(7, kind=kind, temperature=0.5)
    reward = torch.tensor(np.array(mdp.reward), requires_grad=True)
    built = TabularMDP.from_arrays(
        transition=torch.tensor(np.array(mdp.transition)),
        reward=reward,
        initial=torch.tensor(np.array(mdp.initial)),
        action_prior=torch.tensor(np.array(mdp.action_prior)),
        horizon=mdp.horizon,
        temperature=0.5,
    )
    soft_values(built).value.backward()
    expected = policy_occupancy(mdp, soft_values(mdp).policy)
    np.testing.assert_allclose(reward.grad.numpy(), expected, atol=1e-12)


# Single precision.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_single_precision_keeps_five_digits_of_a_policy_over_ten_thousand_steps(kind, library):
    mdp = random_mdp(8, S=8, A=3, T=1, kind=kind)
    mdp = rebuilt(mdp, reward=mdp.reward[0], horizon=10_000)
    if library == "torch":
        single = mdp.to_torch(dtype=torch.float32)
    else:
        single = mdp.to_numpy(dtype=np.float32)
    messages = backward_messages(single)
    policy = numbers(messages.policy)
    assert policy.dtype == np.float32
    assert np.abs(policy - backward_messages(mdp).policy).max() <= 1e-5
    exact = backward_messages(mdp).log_evidence
    assert float(messages.log_evidence) == pytest.approx(exact, rel=1e-5)


def test_single_precision_of_numpy_stays_single():
    mdp = random_mdp(3).to_numpy(dtype=np.float32)
    assert mdp.transition.dtype == mdp.reward.dtype == np.float32
    messages = backward_messages(mdp)
    assert messages.log_beta_s.dtype == messages.policy.dtype == np.float32
    assert smoothed_marginals(mdp).state_action.dtype == np.float32
    assert soft_values(mdp).V.dtype == np.float32


# Compiled.


def compiled_or_skip(mdp, **options):
    """The compiled sweep, without the warnings of torch about itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compiled_backward(mdp, **options)
    except Exception as error:  # no compiler on this machine is no fault of the library
        if "compiler" in str(error).lower() or "InvalidCxx" in type(error).__name__:
            pytest.skip(f"torch cannot compile here: {error}")
        raise


@pytest.mark.slow
@pytest.mark.parametrize("form", ["dense", "sparse", "deterministic"])
def test_the_compiled_sweep_gives_the_same_messages(form):
    grid = slippery_grid(9)
    reward = np.full((81, 5), -1.0)
    reward[grid.goal] = 0.0
    sparse = Sparse(grid.next_state, grid.probability)
    dynamics = {
        "dense": sparse.to_dense(),
        "sparse": sparse,
        "deterministic": Deterministic(grid.next_state[:, :, 0]),
    }[form]
    mdp = TabularMDP.from_arrays(
        transition=dynamics, reward=reward, initial=np.eye(81)[0], horizon=30
    )
    compiled = compiled_or_skip(mdp.to_torch())
    plain = backward_messages(mdp)
    np.testing.assert_allclose(numbers(compiled.log_beta_s), plain.log_beta_s, atol=1e-10)
    np.testing.assert_allclose(numbers(compiled.policy), plain.policy, atol=1e-10)
    assert float(compiled.log_evidence) == pytest.approx(plain.log_evidence, abs=1e-10)


@pytest.mark.slow
def test_the_compiled_sweep_follows_rewards_that_change_and_impossible_ones():
    mdp = random_mdp(3, S=6, A=3, T=7, kind="sparse", temperature=0.6)
    reward = np.array(mdp.reward)
    reward[3, 2] = -np.inf
    mdp = rebuilt(mdp, reward=reward, terminal_value=[0.0, -1.0, -np.inf, 0.0, 0.0, 0.0])
    compiled = compiled_or_skip(mdp.to_torch())
    plain = backward_messages(mdp)
    np.testing.assert_allclose(numbers(compiled.log_beta_s), plain.log_beta_s, atol=1e-10)
    np.testing.assert_allclose(numbers(compiled.policy), plain.policy, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["calm", "far apart", "deadly"])
@pytest.mark.parametrize("reading", ["exact", "variational"])
def test_the_compiled_sweep_of_a_long_walk_gives_the_same_messages(reading, case):
    """70 steps of one reward; values 22, 1300 nats and infinitely far apart."""
    grid, rng = slippery_grid(12), np.random.default_rng(0)
    reward = np.full((144, 5), -60.0 if case == "far apart" else -1.0)
    reward[grid.goal] = 0.0
    if case == "deadly":
        reward[rng.random(144) < 0.2, 1:] = -np.inf
        reward[[5, 40]] = -np.inf
    mdp = TabularMDP.from_arrays(
        transition=Sparse(grid.next_state, grid.probability),
        reward=reward,
        initial=np.eye(144)[0],
        horizon=70,
    )
    compiled = compiled_or_skip(mdp.to_torch(), reading=reading)
    plain = backward_messages(mdp) if reading == "exact" else soft_values(mdp)
    got, expected = (
        (compiled.log_beta_s, plain.log_beta_s) if reading == "exact" else (compiled.V, plain.V)
    )
    np.testing.assert_array_equal(np.isinf(numbers(got)), np.isinf(expected))
    np.testing.assert_allclose(numbers(got), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(numbers(compiled.policy), plain.policy, atol=1e-10)
    assert np.isinf(expected).any() == (case == "deadly")


@pytest.mark.slow
def test_the_compiled_sweep_keeps_five_digits_in_single_precision_over_ten_thousand_steps():
    mdp = random_mdp(8, S=8, A=3, T=1, kind="sparse")
    mdp = rebuilt(mdp, transition=mdp.dynamics.to_sparse(), reward=mdp.reward[0], horizon=10_000)
    compiled = compiled_or_skip(mdp.to_torch(dtype=torch.float32))
    assert np.abs(numbers(compiled.policy) - backward_messages(mdp).policy).max() <= 1e-5


@pytest.mark.slow
def test_the_compiled_sweep_reads_soft_values_and_batches_and_patterns():
    """Several problems side by side, some steps not observed, rewards on arrival."""
    pattern = [True, True, False, True, False, True]
    problems = [
        rebuilt(random_mdp(seed, S=5, A=2, T=6, kind="sparse", next_state=True), observed=pattern)
        for seed in range(2)
    ]
    problems = [rebuilt(mdp, transition=mdp.dynamics.to_sparse()) for mdp in problems]
    for reading, solve in (("exact", backward_messages), ("variational", soft_values)):
        for mdp in (problems[0], TabularMDP.stack(problems)):
            compiled = compiled_or_skip(mdp.to_torch(), reading=reading)
            np.testing.assert_allclose(
                numbers(compiled.policy), solve(mdp).policy, atol=1e-10, err_msg=reading
            )
    with pytest.raises(ValueError, match=r"reading.*hopeful"):
        compiled_backward(problems[0].to_torch(), reading="hopeful")
    with pytest.raises(ValueError, match=r"torch"):
        compiled_backward(problems[0])


# A GPU.


@on_gpu
@cases
def test_a_gpu_gives_the_numbers_of_the_cpu(mdp, device):
    there = mdp.to_torch(device=device)
    for name, ask in ANSWERS.items():
        got = ask(there)
        assert got.device.type == device, name
        np.testing.assert_allclose(
            numbers(got), numbers(ask(mdp)), rtol=1e-10, atol=1e-10, err_msg=name
        )


def walk_to_the_goal(step_cost):
    """A slippery 30 by 30 grid, 80 steps."""
    grid = slippery_grid(30)
    return TabularMDP.from_arrays(
        transition=Sparse(grid.next_state, grid.probability),
        reward=np.full((900, 5), -step_cost) * (np.arange(900) != grid.goal)[:, None],
        initial=np.eye(900)[0],
        horizon=80,
    )


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_single_precision_keeps_five_digits_of_a_walk(library):
    """Values span 58 nats here. What single precision keeps of a value shrinks with that span."""
    mdp = walk_to_the_goal(1.0)
    single = mdp.to_numpy(dtype=np.float32)
    single = single if library == "numpy" else mdp.to_torch(dtype=torch.float32)
    policy = numbers(backward_messages(single).policy)
    assert np.abs(policy - backward_messages(mdp).policy).max() <= 1e-5


@on_gpu
def test_the_compiled_sweep_of_a_gpu_gives_the_numbers_of_the_cpu(device):
    mdp = walk_to_the_goal(10.0)
    compiled = compiled_or_skip(mdp.to_torch(device=device))
    np.testing.assert_allclose(
        numbers(compiled.log_beta_s), backward_messages(mdp).log_beta_s, rtol=1e-10, atol=1e-10
    )
    mdp = walk_to_the_goal(1.0)
    single = compiled_or_skip(mdp.to_torch(device=device, dtype=torch.float32))
    assert np.abs(numbers(single.policy) - backward_messages(mdp).policy).max() <= 1e-5


@on_gpu
def test_parts_on_different_devices_are_refused(device):
    with pytest.raises((ValueError, TypeError), match=r"device"):
        TabularMDP.from_arrays(
            transition=torch.ones((1, 2, 1), device=device),
            reward=torch.zeros((1, 2)),
            initial=torch.ones(1),
            horizon=2,
        )


# Errors.


def parts(**changes):
    given = {
        "transition": torch.full((2, 2, 2), 0.5, dtype=torch.float64),
        "reward": torch.zeros((2, 2), dtype=torch.float64),
        "initial": torch.tensor([0.5, 0.5], dtype=torch.float64),
        "horizon": 2,
    }
    return given | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"reward": torch.zeros((2, 2), dtype=torch.float32)},
        {"initial": torch.tensor([0.5, 0.5], dtype=torch.float32)},
        {"transition": torch.full((2, 2, 2), 0.5, dtype=torch.float32)},
        {"action_prior": torch.full((2, 2), 0.5, dtype=torch.float32)},
        {"terminal_value": torch.zeros(2, dtype=torch.float32)},
        {"reward_next": torch.zeros((2, 2, 2), dtype=torch.float32)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_tensors_of_mixed_precision_are_refused(changes):
    with pytest.raises((TypeError, ValueError), match=r"dtype|floating type") as refusal:
        TabularMDP.from_arrays(**parts(**changes))
    message = str(refusal.value)
    assert "float32" in message
    assert "float64" in message


def test_tensors_on_different_devices_are_refused():
    with pytest.raises((TypeError, ValueError), match=r"device"):
        TabularMDP.from_arrays(
            **parts(reward=torch.zeros((2, 2), dtype=torch.float64, device="meta"))
        )


def test_tensors_of_no_real_type_are_refused():
    with pytest.raises(TypeError, match=r"reward must hold real numbers"):
        TabularMDP.from_arrays(**parts(reward=torch.zeros((2, 2), dtype=torch.complex128)))


@pytest.mark.parametrize("other", [np.zeros((2, 2)), np.zeros((2, 2), dtype=np.float32)])
def test_arrays_beside_tensors_are_refused(other):
    with pytest.raises((TypeError, ValueError), match=r"torch.*numpy|numpy.*torch"):
        TabularMDP.from_arrays(**parts(reward=other))


def test_lists_and_whole_numbers_follow_the_tensors():
    mdp = TabularMDP.from_arrays(**parts(reward=[[0, -1], [0, 0]], initial=torch.tensor([1, 0])))
    assert mdp.reward.dtype == mdp.initial.dtype == torch.float64


def test_bad_tensors_are_refused_as_bad_arrays_are():
    P = torch.full((2, 2, 2), 0.5, dtype=torch.float64)
    P[1, 0, 0] = 0.2
    with pytest.raises(ValueError, match=r"transition\[1, 0, :\] sums to 0.7"):
        TabularMDP.from_arrays(**parts(transition=P))
    reward = torch.zeros((2, 2), dtype=torch.float64)
    reward[0, 1] = math.nan
    with pytest.raises(ValueError, match=r"reward\[0, 1\] is nan"):
        TabularMDP.from_arrays(**parts(reward=reward))


def test_a_tensor_changed_later_does_not_change_the_problem():
    reward = torch.zeros((2, 2), dtype=torch.float64)
    mdp = TabularMDP.from_arrays(**parts(reward=reward))
    reward += 7.0
    assert float(backward_messages(mdp).log_evidence) == pytest.approx(0.0)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_single_precision_keeps_marginals_start_and_mode_over_ten_thousand_steps(library):
    exact = random_mdp(1, S=12, A=3, T=10_000).to_numpy(dtype=np.float32)
    single = exact if library == "numpy" else exact.to_torch()
    exact = exact.to_numpy(dtype=np.float64)
    for ask in (
        lambda mdp: forward_messages(mdp).filtered,
        lambda mdp: smoothed_marginals(mdp).state,
        posterior_initial,
    ):
        np.testing.assert_allclose(numbers(ask(single)), ask(exact), atol=1e-5)
    found, best = most_likely_trajectory(single), most_likely_trajectory(exact)
    assert found.log_posterior == pytest.approx(best.log_posterior, rel=1e-6)


def leaves(**arrays):
    return {
        name: torch.tensor(x, dtype=torch.float64, requires_grad=True) for name, x in arrays.items()
    }


@pytest.mark.parametrize("form", ["sparse", "dense"])
def test_gradients_stay_numbers_where_arriving_somewhere_is_impossible(form):
    rng = np.random.default_rng(0)
    parts = leaves(
        probability=rng.dirichlet(np.ones(2), size=(3, 2)),
        reward_next=np.where(np.arange(3) == 2, -np.inf, -rng.random((3, 2, 3))),
        initial=[0.5, 0.5, 0.0],
    )
    successors = torch.tensor(
        np.where(np.arange(2) == 0, [[[0, 1]], [[1, 2]], [[2, 0]]], [[[0, 1]]])
    )
    dynamics = Sparse.unchecked(successors.expand(3, 2, 2), parts["probability"])
    mdp = TabularMDP.from_arrays(
        transition=dynamics if form == "sparse" else dynamics.to_dense(),
        reward=torch.zeros(3, 2, dtype=torch.float64),
        initial=parts["initial"],
        horizon=3,
        reward_next=parts["reward_next"],
    )
    for answer in (soft_values(mdp).V[:, 0], optimism_gap(mdp)[:, 0], soft_values(mdp).value):
        answer = torch.where(torch.isfinite(answer), answer, 0.0).sum()
        for gradient in torch.autograd.grad(
            answer, list(parts.values()), allow_unused=True, retain_graph=True
        ):
            assert gradient is None or torch.isfinite(gradient).all()


def test_the_gradient_of_a_hopeless_return_is_no_nan():
    policy = torch.full((2, 2), 0.5, dtype=torch.float64, requires_grad=True)
    mdp = bandit([0.0, -math.inf], horizon=2).to_torch()
    (gradient,) = torch.autograd.grad(
        torch.nan_to_num(policy_return(mdp, policy[: mdp.num_states]), neginf=0.0), policy
    )
    assert torch.isfinite(gradient).all()


def test_lists_made_dense_pass_the_gradient_on():
    rng = np.random.default_rng(2)
    parts = leaves(probability=rng.dirichlet(np.ones(3), size=(4, 2)), gain=rng.random((4, 2, 4)))
    lists = Sparse.unchecked(torch.tensor(rng.integers(4, size=(4, 2, 3))), parts["probability"])
    dense = lists.with_gain(parts["gain"]).to_dense()
    weight = torch.tensor(rng.random((4, 2, 4)))
    v = torch.tensor(rng.random(4))
    for ask in (lambda d: d.expect(v), lambda d: d.log_expect(v)):
        of_lists, of_dense = (
            torch.autograd.grad(
                (ask(d) * weight[..., 0]).sum(), list(parts.values()), retain_graph=True
            )
            for d in (lists.with_gain(parts["gain"]), dense)
        )
        for one, other in zip(of_lists, of_dense, strict=True):
            torch.testing.assert_close(one, other)


def test_successors_of_dense_tensors_are_tensors():
    assert isinstance(random_mdp(0).to_torch().dynamics.next_state, torch.Tensor)


def test_solving_an_endless_problem_with_gradients_warns_of_nothing():
    mdp = random_mdp(0).to_torch()
    reward = mdp.reward[0].clone().requires_grad_(True)
    mdp = TabularMDP.from_arrays(
        transition=mdp.dynamics,
        reward=reward,
        initial=mdp.initial,
        horizon=1,
        reward_next=0 * reward[..., None] - torch.ones(6, dtype=torch.float64),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        most_likely_trajectory(mdp)
        evidence = stationary_messages(mdp, discount=0.5).log_evidence
    assert torch.isfinite(torch.autograd.grad(evidence, reward)[0]).all()
