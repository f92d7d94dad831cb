"""Controlled diffusions: against closed forms, sampled paths and soft value iteration."""

import math

import numpy as np
import pytest

from cs_infer import (
    Diffusion,
    effective_sample_size,
    grid_desirability,
    path_estimate,
    soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

GRID = (np.arange(-160, 160) + 0.5) / 20  # no point on the edge of a slit
SLITS = ((-3.0, -2.0), (1.0, 1.5))


def screen(t, x):
    """In step 20 of 40, only the slits are open."""
    is_open = np.zeros(np.shape(x), dtype=bool)
    for low, high in SLITS:
        is_open |= (x > low) & (x < high)
    return np.where((t != 20) | is_open, 0.0, -np.inf)


def double_slit(**changes):
    given = {
        "noise": 1.0,
        "control_cost": 1.0,
        "duration": 2.0,
        "horizon": 40,
        "reward": screen,
        "terminal": lambda x: -(x**2),
    }
    return Diffusion(**(given | changes))


def below(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def slit_log_z(x, left):
    """``left`` units of time before the screen, sigma = alpha = 1: Gaussians through slits."""
    width = 1.5  # behind the screen: E[exp(-x_T^2)] = exp(-y^2 / 3) / sqrt(3)
    precision = 1 / left + 1 / width
    centre, spread = x / left / precision, 1 / math.sqrt(precision)
    mass = sum(below((b - centre) / spread) - below((a - centre) / spread) for a, b in SLITS)
    scale = spread / math.sqrt(left) / math.sqrt(3)
    return math.log(mass * scale) - x**2 / (2 * (left + width))


@pytest.fixture(scope="module")
def solved():
    return grid_desirability(double_slit(), GRID)


def at(x):
    return int(np.argmin(np.abs(GRID - x)))


def test_the_double_slit_has_a_closed_form(solved):
    """A smooth end and hard edges: the grid is right to a few thousandths of a nat."""
    for t, left in ((0, 1.0), (10, 0.5), (16, 0.2)):
        for x in (-2.5, -1.0, 0.0, 1.2, 3.0):
            i = at(x)
            assert solved.log_z[t, i] == pytest.approx(slit_log_z(GRID[i], left), abs=0.01)


def test_the_grid_solution_is_soft_value_iteration(solved):
    soft = soft_values(double_slit().as_tabular(GRID))
    closed = np.isinf(solved.V[20])
    assert closed.any()
    assert (soft.V[20][closed] == -np.inf).all()
    for t in (0, 19, 20, 39):
        finite = np.isfinite(solved.V[t])
        np.testing.assert_allclose(soft.V[t][finite], solved.V[t][finite], atol=1e-9)


def test_sampling_agrees_with_the_grid_and_guidance_makes_weights_equal(solved):
    problem, rng = double_slit(), np.random.default_rng(0)
    i = at(0.0)
    sizes = []
    for steer in ({}, {"control": solved.follow}):
        got = path_estimate(problem, GRID[i], paths=20_000, rng=rng, **steer)
        exact = slit_log_z(GRID[i], 1.0)
        assert got.log_z == pytest.approx(exact, abs=5 * got.relative_error + 0.01)
        assert got.control == pytest.approx(solved.control[0, i], abs=0.2)
        sizes.append(got.effective_sample_size)
    assert 3 * sizes[0] < sizes[1] <= 20_000


def test_paths_may_start_late(solved):
    got = path_estimate(
        double_slit(), 0.5, paths=20_000, rng=np.random.default_rng(1), start=20 - 4
    )
    assert got.log_z == pytest.approx(slit_log_z(0.5, 0.2), abs=5 * got.relative_error + 0.01)
    assert got.paths.shape == (20_000, 25)


def test_two_targets_split_at_a_critical_time():
    """``u = (tanh(x / left) - x) / left``: with sigma = 1, the middle is best until left = 1."""
    spread = 0.1
    problem = Diffusion(
        1.0,
        1.0,
        2.0,
        80,
        terminal=lambda x: np.logaddexp(
            -((x - 1) ** 2) / (2 * spread**2), -((x + 1) ** 2) / (2 * spread**2)
        ),
    )
    grid = np.linspace(-8, 8, 641)
    found = grid_desirability(problem, grid)
    near = np.abs(grid) < 1.5
    for t in (0, 30, 60, 72):
        left = 2.0 - t * problem.step + spread**2
        exact = (np.tanh(grid / left) - grid) / left
        np.testing.assert_allclose(found.control[t, near], exact[near], atol=1e-3)
    middle = 320
    bends = found.V[:, middle + 8] - found.V[:, middle]
    assert (bends[:39] < 0).all()  # waiting in the middle is best
    assert (bends[43:] > 0).all()  # from now on it is the worst place nearby
    assert np.abs(found.control[:, middle]).max() < 1e-9


def test_the_price_of_control_sets_the_temperature_alone():
    """Twice the price and twice the rewards: the same control."""
    dear = double_slit(control_cost=2.0, terminal=lambda x: -2 * x**2)
    np.testing.assert_allclose(
        grid_desirability(dear, GRID).control,
        grid_desirability(double_slit(), GRID).control,
        atol=1e-9,
    )


def test_a_state_reward_keeps_away_from_where_it_costs():
    hill = Diffusion(1.0, 1.0, 1.0, 20, lambda t, x: -4 * np.exp(-(x**2)))
    control = grid_desirability(hill, GRID).control[0]
    assert control[at(0.5)] > 0.2
    assert control[at(-0.5)] < -0.2
    np.testing.assert_allclose(control, -control[::-1], atol=1e-9)


# Errors.


@pytest.mark.parametrize("name", ["noise", "control_cost", "duration"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_numbers_that_must_be_positive_are(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive and finite; it is"):
        double_slit(**{name: value})


def test_rewards_that_are_no_numbers_are_refused():
    for bad in (math.nan, math.inf):
        lost = double_slit(reward=lambda t, x, bad=bad: np.where(x > 0, bad, 0.0))
        with pytest.raises(ValueError, match="reward of step 39 must be finite or -inf"):
            grid_desirability(lost, GRID)
    with pytest.raises(ValueError, match="terminal reward must be finite"):
        grid_desirability(double_slit(terminal=lambda x: x * math.nan), GRID)
    with pytest.raises(ValueError, match="horizon"):
        double_slit(horizon=0)


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ([0.0, 1.0, 3.0], "even and increasing"),
        ([1.0, 0.0], "even and increasing"),
        ([0.0, 0.5, 1.0], r"too coarse .* 0\.5 between its points, sigma sqrt\(h\) is 0\.2236"),
    ],
)
def test_a_grid_that_cannot_carry_the_noise_is_refused(grid, words):
    with pytest.raises(ValueError, match=words):
        grid_desirability(double_slit(), grid)


def test_when_no_path_succeeds_there_is_no_estimate():
    shut = double_slit(reward=lambda t, x: np.where((t == 20) & (np.abs(x) < 50), -np.inf, 0.0))
    with pytest.raises(ValueError, match="all 100 paths have weight zero"):
        path_estimate(shut, 0.0, paths=100, rng=np.random.default_rng(0))
    assert effective_sample_size([-math.inf, -math.inf]) == 0.0


def test_where_nothing_helps_the_control_is_zero():
    walled = Diffusion(1.0, 1.0, 1.0, 20, terminal=lambda x: np.where(np.abs(x) < 99, -np.inf, 0.0))
    found = grid_desirability(walled, GRID)
    assert (-np.inf == found.V).all()
    assert not found.control.any()


def test_places_and_steps_out_of_range_are_refused(rng):
    problem = double_slit()
    T, found = problem.horizon, grid_desirability(problem, GRID)
    for t in (-1, T):
        with pytest.raises(ValueError, match=f"t must lie in 0 … {T - 1}; it is {t}"):
            found.follow(t, 0.0)
    with pytest.raises(ValueError, match=f"start must lie in 0 … {T}; it is -1"):
        path_estimate(problem, 0.0, paths=2, rng=rng, start=-1)
    with pytest.raises(ValueError, match="x must be finite"):
        path_estimate(problem, math.nan, paths=2, rng=rng)
    with pytest.raises(ValueError, match="control must be finite; at step 0"):
        path_estimate(problem, 0.0, paths=2, rng=rng, control=lambda t, x: x * math.nan)
    with pytest.raises(ValueError, match="terminal reward must be one number for each place"):
        grid_desirability(double_slit(terminal=lambda x: np.zeros(3)), GRID)
    with pytest.raises(ValueError, match="points lie between 1e-09 and 4e-09 apart"):
        grid_desirability(problem, [0.0, 1e-9, 5e-9])
    for bad in ([], [math.nan], [math.inf, 0.0]):
        with pytest.raises(ValueError, match="log_weight must be a list of numbers"):
            effective_sample_size(bad)
