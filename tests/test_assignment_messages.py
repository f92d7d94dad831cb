"""Assignment 2: what is special to passing messages."""

import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from judging import COURSE, FOLDERS, MEMORY, STUDENT_WARNINGS, judged

from cs_infer.judge.answers import AnswerError
from cs_infer.judge.trial import draws
from cs_infer.practice import check

FOLDER = FOLDERS["messages"]
PROBLEMS = FOLDER.problems


@pytest.fixture(autouse=True, scope="module")
def _memory():
    with MEMORY:
        yield


def answers(name, **inputs):
    return PROBLEMS[name].reference(**inputs)


def drawn(name, prop, seeds=6):
    """The inputs of a property, on several seeds."""
    (found,) = (p for p in PROBLEMS[name].properties if p.name == prop)
    return [d for seed in range(seeds) for d in draws(PROBLEMS[name], found, ("seed", seed))]


def test_the_points_are_those_announced():
    assert {name: p.points for name, p in PROBLEMS.items()} == {
        "log_backward": 40,
        "policy": 20,
        "forward": 20,
        "smooth": 20,
    }
    assert sum(len(p.misconceptions) for p in PROBLEMS.values()) >= 30


# The references, against lists of all trajectories


def joint(P, R, rho, mu0, T):
    """p(tau, O_1:T = 1), and p(tau, O_1:t-1 = 1), by listing; axes (s_1, a_1, s_2, …)."""
    S, A = rho.shape
    shape = (S, A) * T
    whole, so_far = np.zeros(shape), np.zeros((T, *shape))
    for path in product(*map(range, shape)):
        s, a = path[0::2], path[1::2]
        p = mu0[s[0]] * np.prod([rho[s[t], a[t]] for t in range(T)])
        p *= np.prod([P[s[t], a[t], s[t + 1]] for t in range(T - 1)])
        r = [np.exp((R if R.ndim == 2 else R[t])[s[t], a[t]]) for t in range(T)]
        whole[path] = p * np.prod(r)
        for t in range(T):
            so_far[(t, *path)] = p * np.prod(r[:t])
    return whole, so_far


def small_problems():
    """Every kind of problem that is drawn, with at most four steps of three states."""
    for prop in ("one step", "stochastic", "uneven", "deterministic", "changing", "impossible"):
        for inputs in drawn("log_backward", prop, seeds=20):
            if inputs["rho"].size ** inputs["T"] <= 20_000:
                yield inputs
                break
        else:
            raise AssertionError(f"{prop}: no small problem in 20 seeds")


@pytest.mark.parametrize("inputs", list(small_problems()), ids=lambda i: f"T={i['T']}")
def test_every_reference_agrees_with_a_list_of_all_trajectories(inputs):
    S, T = len(inputs["rho"]), inputs["T"]
    mu0 = np.arange(1.0, S + 1) * (np.arange(S) != 1)
    mu0 /= mu0.sum()
    whole, so_far = joint(**inputs, mu0=mu0)
    f = answers("forward", **inputs, mu0=mu0)
    q, v = answers("log_backward", **inputs)
    pi = answers("policy", log_beta_sa=q, log_beta_s=v, rho=inputs["rho"])
    where = answers("smooth", log_forward=f, log_beta_s=v)
    for t in range(T):
        others = tuple(i for i in range(2 * T) if i not in (2 * t, 2 * t + 1))
        both, past = whole.sum(axis=others), so_far[t].sum(axis=others)
        reached = past.sum(axis=1)
        assert np.allclose(np.exp(f[t]), reached, rtol=1e-9, atol=0)
        assert np.allclose(where[t], both.sum(axis=1) / whole.sum(), rtol=1e-9, atol=0)
        for s in np.flatnonzero(reached > 0):
            given = both[s].sum()
            assert np.isclose(np.exp(v[t, s]), given / reached[s], rtol=1e-9, atol=0)
            if given > 0:
                assert np.allclose(pi[t, s], both[s] / given, rtol=1e-9, atol=0)
            else:
                assert not pi[t, s].any()
            for a in np.flatnonzero(past[s] > 0):
                assert np.isclose(np.exp(q[t, s, a]), both[s, a] / past[s, a], rtol=1e-9, atol=0)


# The inputs


def test_draws_include_the_cases_the_text_promises():
    assert {d["T"] for d in drawn("log_backward", "one step")} == {1}
    assert {d["T"] for d in drawn("log_backward", "long")} == {1000}
    assert {d["T"] for d in drawn("log_backward", "stochastic")} >= {3, 4, 5, 6}
    assert {d["R"].ndim for d in drawn("forward", "changing")} == {3}
    assert {d["R"].ndim for d in drawn("forward", "stochastic")} == {2}
    for prop in ("uneven", "deterministic"):
        allowed = [set((d["rho"] > 0).sum(axis=1)) for d in drawn("log_backward", prop)]
        assert all(len(counts) > 1 for counts in allowed)
    assert all(set(np.unique(d["P"])) == {0, 1} for d in drawn("forward", "deterministic"))
    assert {d["rho"].shape[0] == 1 for d in drawn("smooth", "single") if "rho" in d} == set()
    assert {d["rho"].shape[0] == 1 for d in drawn("policy", "single")} == {True, False}


def test_draws_hold_the_numerical_traps():
    smallest, largest = np.log(np.finfo(float).smallest_subnormal), np.log(np.finfo(float).max)
    for d in drawn("log_backward", "low"):
        assert np.all(answers("log_backward", **d)[0] < smallest)
    for d in drawn("log_backward", "high"):
        assert np.all(answers("log_backward", **d)[1] > largest)
    for d in drawn("log_backward", "far apart"):
        _, v = answers("log_backward", **d)
        assert np.all(np.isfinite(v))
        assert np.all(v.max(axis=1) - v.min(axis=1) > -smallest)
    for d in drawn("forward", "far apart"):
        f = answers("forward", **d)[1:]
        assert np.all(np.isfinite(f))
        assert np.all(f.max(axis=1) - f.min(axis=1) > -smallest)
    for d in drawn("log_backward", "impossible"):
        _, v = answers("log_backward", **d)
        assert np.all(np.isneginf(v).any(axis=1) & np.isfinite(v).any(axis=1))
    for d in drawn("smooth", "impossible"):
        assert np.all(np.isneginf(d["log_forward"] + d["log_beta_s"]))
    for d in drawn("smooth", "unreachable"):
        assert np.all((d["log_forward"] + d["log_beta_s"]).max(axis=1) > -np.inf)
        assert np.isneginf(d["log_beta_s"]).any()


def test_inputs_keep_to_what_the_text_says():
    for name, problem in PROBLEMS.items():
        for prop in problem.properties:
            for d in drawn(name, prop.name, seeds=3):
                for key in {"P", "mu0", "rho"} & d.keys():
                    assert np.allclose(d[key].sum(axis=-1), 1)
                    assert np.all(d[key] >= 0)
                rewards = d.get("R", np.zeros(1))
                assert np.all((rewards == -np.inf) | (np.abs(rewards + 4500) <= 5500))
                for key in {"log_beta_sa", "log_beta_s", "log_forward"} & d.keys():
                    known = d[key][d[key] > -np.inf]
                    assert np.all(np.abs(known) <= 10_000)


# Answers


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda q, v: None, "must be a pair of arrays (log_beta_sa, log_beta_s); it is None"),
        (lambda q, v: q, "it is a ndarray"),
        (lambda q, v: (q, v, v), "it is a tuple of 3"),
        (lambda q, v: (v, q), "the two are exchanged"),
        (lambda q, v: (q, np.vstack([v, v[:1]])), "leave out the step after the last one"),
        (lambda q, v: (q[0], v), "log_beta_sa must have shape (2, 2, 2)"),
        (lambda q, v: (q, v[:, :1]), "log_beta_s must have shape (2, 2)"),
        (lambda q, v: (q * np.nan, v), "log_beta_sa holds NaN"),
        (lambda q, v: (q, [["a", "b"]] * 2), "real numbers"),
    ],
)
def test_messages_that_cannot_be_read_are_explained(change, sentence):
    problem = PROBLEMS["log_backward"]
    with pytest.raises(AnswerError, match=re.escape(sentence)):
        problem.read(problem.example, change(*answers("log_backward", **problem.example)))


def test_what_is_said_of_a_forbidden_action_does_not_count():
    def with_nonsense(P, R, rho, T):
        q, v = answers("log_backward", P=P, R=R, rho=rho, T=T)
        return np.where(rho > 0, q, 777.0), v

    for seed in range(3):
        assert judged(PROBLEMS["log_backward"], with_nonsense, seed).passed


def test_the_step_is_named_at_which_the_recursion_begins_to_go_wrong():
    def wrong_before_the_third(P, R, rho, T):
        q, v = answers("log_backward", P=P, R=R, rho=rho, T=T)
        q[:2] -= 1
        return q, v

    result = judged(PROBLEMS["log_backward"], wrong_before_the_third, 1)
    (fault,) = (p.fault for p in result.properties if p.name == "stochastic")
    assert "log_beta_sa[1, 0, 0] (step 2)" in fault
    assert "later steps" in fault


def test_certain_dynamics_hide_what_is_wrong_about_luck():
    ideas = {i.name: i for i in PROBLEMS["log_backward"].misconceptions}
    for name in ("best next state", "average of the logarithms over next states"):
        result = judged(PROBLEMS["log_backward"], ideas[name].wrong, 1)
        right = {p.name for p in result.properties if p.fault is None}
        assert right == {"one step", "deterministic"}


@pytest.mark.parametrize("name", PROBLEMS)
def test_zeros_are_not_taken_for_an_idea(name):
    def zeros(**inputs):
        right = PROBLEMS[name].reference(**inputs)
        if isinstance(right, tuple):
            return tuple(np.zeros_like(part) for part in right)
        return np.zeros_like(right)

    result = judged(PROBLEMS[name], zeros, 1)
    assert result.earned < PROBLEMS[name].points / 2
    assert result.misconception is None


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("name", PROBLEMS)
def test_too_few_digits_are_not_taken_for_a_numerical_trap(name):
    def coarse(**inputs):
        right = PROBLEMS[name].reference(**inputs)
        if isinstance(right, tuple):
            return tuple(part.astype(np.float16) for part in right)
        return right.astype(np.float16)

    result = judged(PROBLEMS[name], coarse, 1)
    assert result.misconception is None


# The notebook's text


def test_the_worked_example_is_right():
    space = {}
    exec(FOLDER.given, space)
    P, R, rho, mu0 = (space[name] for name in ("P", "R", "rho", "mu0"))
    q, v = answers("log_backward", P=P, R=R, rho=rho, T=2)
    f = answers("forward", P=P, R=R, rho=rho, mu0=mu0, T=2)
    pi = answers("policy", log_beta_sa=q, log_beta_s=v, rho=rho)
    where = answers("smooth", log_forward=f, log_beta_s=v)
    text = "\n".join(c.source for c in FOLDER.cells if c.cell_type == "markdown")
    rows = re.findall(r"\| ([12]) \| (ground|tree) \|(.*)\|", text)
    assert len(rows) == 4
    for step, state, cells in rows:
        t, s = int(step) - 1, ["ground", "tree"].index(state)
        shown = [float(Fraction(cell.strip())) for cell in cells.split("|")]
        assert shown == pytest.approx([*np.exp(q[t, s]), np.exp(v[t, s])])
    assert "moves with probability 23/47" in text.replace("\n", " ")
    assert "it moves with probability 1/3" in text
    assert pi[:, 0, 1] == pytest.approx([23 / 47, 1 / 3])
    assert r"(\tfrac{9}{32}, \tfrac{3}{32})" in text
    assert np.exp(f[1]) == pytest.approx([9 / 32, 3 / 32])
    assert "27/47 and in the tree with 20/47" in text.replace("\n", " ")
    assert where[1] == pytest.approx([27 / 47, 20 / 47])


# The sample class


@STUDENT_WARNINGS
@pytest.mark.parametrize(
    "student",
    [
        "epsilon-in-the-logarithm",
        "exchanges-the-parts",
        "ignores-the-step",
        "recursion-too-deep",
    ],
)
def test_an_unusual_student_gets_the_expected_marks(student):
    FOLDER.expect_the_marks_of(student)


@STUDENT_WARNINGS
def test_of_two_mistakes_one_is_named_and_more_are_announced():
    result = FOLDER.results_of("ignores-the-step", 1)["log_backward"]
    assert result.misconception == "rewards of the first step"
    assert "there may be more" in result.message


@STUDENT_WARNINGS
def test_a_small_number_for_zero_is_pointed_out():
    result = FOLDER.results_of("epsilon-in-the-logarithm", 1)["log_backward"]
    (fault,) = (p.fault for p in result.properties if p.name == "impossible")
    assert "the logarithm of zero, not of a small number" in fault


# Practice


@pytest.mark.parametrize("factor", [1.0, 1.01])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_student_may_turn_floating_point_warnings_into_errors(name, factor):
    checks = COURSE.checks("messages")

    def scaled(**inputs):
        with np.errstate(all="ignore"):
            right = PROBLEMS[name].reference(**inputs)
            return tuple(factor * x for x in right) if name == "log_backward" else factor * right

    def strict(**inputs):
        np.log(np.zeros(1))

    with np.errstate(all="raise"):
        assert check(name, scaled, seed=5, checks=checks).passed == (factor == 1.0)
        refused = check(name, strict, seed=5, checks=checks)
        assert np.geterr()["divide"] == "raise"
    assert "FloatingPointError" in refused.result.properties[0].fault


# Mistakes that are told apart


def _shown(name, wrong, seed=1):
    result = judged(PROBLEMS[name], wrong, seed)
    return result.misconception, result.message


@STUDENT_WARNINGS
def test_nan_where_success_is_impossible_does_not_decide_about_the_rest():
    def logarithms_as_weights(log_beta_sa, log_beta_s, rho):
        return log_beta_sa / log_beta_sa.sum(axis=2, keepdims=True)

    def only_the_last_reward(P, R, rho, T):
        steps = np.zeros((T, 1, 1))
        steps[-1] = 1
        return answers("log_backward", P=P, R=steps * R, rho=rho, T=T)

    assert _shown("policy", logarithms_as_weights)[0] is None
    assert _shown("log_backward", only_the_last_reward)[0] in (None, "infinity minus infinity")
