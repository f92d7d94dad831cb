"""Assignment 4: what is special to the bound, its gap, and the best policy."""

import itertools
import re

import numpy as np
import pytest
from judging import COURSE, FOLDERS, STUDENT_WARNINGS, judged

import cs_infer as ci
from cs_infer.judge.answers import AnswerError
from cs_infer.judge.trial import draws
from cs_infer.practice import check

FOLDER = FOLDERS["variational_bound"]
PROBLEMS = FOLDER.problems


def drawn(problem, prop=None, seeds=5):
    """Inputs of one property of a problem, or of all."""
    for p in PROBLEMS[problem].properties:
        for seed in range(seeds if prop in (None, p.name) else 0):
            yield from draws(PROBLEMS[problem], p, ("seed", seed))


def mdp_of(d, **options):
    """The problem behind inputs of ``elbo`` or ``kl_gap``."""
    return ci.TabularMDP.from_arrays(
        transition=d["P"],
        reward=d["R"],
        initial=d["mu0"],
        action_prior=d["rho"],
        horizon=len(d["policy"]),
        temperature=d["alpha"],
        **options,
    )


def given():
    """What the notebook hands out."""
    space = {}
    exec(FOLDER.given, space)
    return space


def the_text():
    return " ".join("\n".join(c.source for c in FOLDER.cells).split())


def test_the_points_are_those_announced():
    assert {name: p.points for name, p in PROBLEMS.items()} == {
        "elbo": 30,
        "kl_gap": 25,
        "soft_vi": 30,
    }
    assert {w.name: w.points for w in FOLDER.assignment.written} == {"two_prices": 15}
    table = next(c.source for c in FOLDER.cells if "| problem |" in c.source)
    for name, problem in PROBLEMS.items():
        assert re.search(rf"`{name}`.*\| {problem.points:g} \|", table)
    assert "| 3 | in words: one step, two prices | 15 |" in table


def test_there_are_many_wrong_ideas():
    assert sum(len(p.misconceptions) for p in PROBLEMS.values()) >= 75


# What is drawn


def test_inputs_keep_to_what_the_text_says():
    for name in PROBLEMS:
        for d in drawn(name, seeds=3):
            for key in {"P", "mu0", "rho", "policy"} & d.keys():
                assert np.allclose(d[key].sum(axis=-1), 1)
            finite = d["R"][np.isfinite(d["R"])]
            assert -10_000 < finite.min() <= finite.max() <= 10
            assert d["rho"].shape[0] <= 6
            assert d["rho"].shape[1] <= 4
            assert 0.05 <= d["alpha"] <= 20
            if name == "soft_vi":
                assert 0 <= d["gamma"] <= 0.98
            else:
                assert len(d["policy"]) <= 6
            if name == "kl_gap":
                v = d["log_beta_s"]
                assert -12_000 < v[np.isfinite(v)].min() <= v.max() <= 0
                assert np.isfinite(v[0][d["mu0"] > 0]).any()


def test_values_of_forbidden_actions_stay_in_the_range_announced():
    for d in drawn("soft_vi", seeds=3):
        Q, V, _ = PROBLEMS["soft_vi"].reference(**d)
        with np.errstate(invalid="ignore"):
            above = np.where(np.isfinite(V)[:, None] & (d["rho"] == 0), Q - V[:, None], -np.inf)
        assert above.max() <= 30 * d["alpha"]


def test_dangers_are_really_there():
    for prop, expected in (("forbidden", True), ("never optimal", True), ("unreached", False)):
        for d in drawn("elbo", prop):
            assert np.isneginf(PROBLEMS["elbo"].reference(**d)) == expected
    for d in drawn("elbo", "unreached"):
        assert np.any((d["policy"] > 0) & (d["rho"] == 0))
        assert np.isneginf(d["R"]).any()
    for d in drawn("elbo", "zeros"):
        assert np.any((d["policy"] == 0) & (d["rho"] > 0))
        assert np.any(d["rho"] == 0)
    for d in drawn("soft_vi", "danger"):
        Q, V, policy = PROBLEMS["soft_vi"].reference(**d)
        assert np.isneginf(V[0])
        assert np.isfinite(V[1:]).all()
        assert np.isneginf(Q[1:3, 0]).all()
        assert not policy[0].any()


def test_shares_are_infinite_where_they_should_be_and_large_where_probabilities_underflow():
    shares = PROBLEMS["kl_gap"].reference
    for d in drawn("kl_gap", "excluded"):
        assert np.isposinf(shares(**d)[0])
    for d in drawn("kl_gap", "trap"):
        assert np.isposinf(shares(**d)[1])
    for d in drawn("kl_gap", "rare"):
        assert all(10 < share < 10_000 for share in shares(**d))
        told = ci.backward_messages(mdp_of(d)).policy
        assert np.any((told == 0) & (d["policy"] > 0))


def test_there_are_too_many_trajectories_to_list():
    longest = max(len(d["policy"]) for d in drawn("elbo", "values", seeds=20))
    most = max(d["rho"].size for d in drawn("elbo", "values", seeds=20))
    assert most**longest > 10**6


# What is true of the right answers


@pytest.mark.parametrize("prop", ["values", "changing", "zeros", "temperature", "low"])
def test_bound_and_shares_add_up_to_the_evidence(prop):
    for d in drawn("elbo", prop):
        v = np.array(ci.backward_messages(mdp_of(d)).log_beta_s)
        total = PROBLEMS["elbo"].reference(**d) + sum(
            PROBLEMS["kl_gap"].reference(**d, log_beta_s=v)
        )
        assert total == pytest.approx(ci.backward_messages(mdp_of(d)).log_evidence, abs=1e-8)


def test_both_are_what_enumeration_says():
    d = dict(PROBLEMS["kl_gap"].example)
    q, joint = {}, {}
    S, A = d["rho"].shape
    for s1, a1, s2, a2 in itertools.product(range(S), range(A), range(S), range(A)):
        chance = d["mu0"][s1] * d["P"][s1, a1, s2]
        q[s1, a1, s2, a2] = chance * d["policy"][0, s1, a1] * d["policy"][1, s2, a2]
        bells = np.exp((d["R"][s1, a1] + d["R"][s2, a2]) / d["alpha"])
        joint[s1, a1, s2, a2] = chance * d["rho"][s1, a1] * d["rho"][s2, a2] * bells
    evidence = sum(joint.values())
    bound = sum(p * np.log(joint[tau] / p) for tau, p in q.items())
    gap = sum(p * np.log(p * evidence / joint[tau]) for tau, p in q.items())
    shares = PROBLEMS["kl_gap"].reference(**d)
    del d["log_beta_s"]
    assert PROBLEMS["elbo"].reference(**d) == pytest.approx(bound)
    assert sum(shares) == pytest.approx(gap)


def test_luck_has_no_share_where_nothing_is_random_and_the_policy_none_where_it_is_told():
    for d in drawn("kl_gap", "no dice"):
        policy_share, luck_share = PROBLEMS["kl_gap"].reference(**d)
        assert luck_share == pytest.approx(0, abs=1e-10)
        assert policy_share > 1e-3
    for d in drawn("kl_gap", "posterior policy"):
        policy_share, luck_share = PROBLEMS["kl_gap"].reference(**d)
        assert policy_share == pytest.approx(0, abs=1e-10)
        assert luck_share > 1e-3


def test_the_messages_are_those_of_the_problem():
    for d in drawn("kl_gap", seeds=1):
        assert np.allclose(ci.backward_messages(mdp_of(d)).log_beta_s, d["log_beta_s"])


@pytest.mark.parametrize("prop", ["one state", "values", "cold", "hot", "uneven", "danger", "low"])
def test_the_values_solve_the_equations(prop):
    for d in drawn("soft_vi", prop, seeds=2):
        Q, V, policy = PROBLEMS["soft_vi"].reference(**d)
        ahead = np.sum(np.where(d["P"] > 0, d["P"] * np.where(d["P"] > 0, V, 0), 0), axis=2)
        assert np.allclose(Q, d["R"] + d["gamma"] * ahead, atol=1e-6)
        with np.errstate(divide="ignore", invalid="ignore"):
            over = d["alpha"] * np.logaddexp.reduce(np.log(d["rho"]) + Q / d["alpha"], axis=1)
        assert np.allclose(V, over, atol=1e-6)
        assert np.allclose(policy.sum(axis=1), np.isfinite(V))


def test_with_one_state_the_value_is_a_soft_maximum_over_one_minus_gamma():
    for d in drawn("soft_vi", "one state"):
        bell = (d["rho"] * np.exp(d["R"] / d["alpha"])).sum()
        V = PROBLEMS["soft_vi"].reference(**d)[1]
        assert V[0] == pytest.approx(d["alpha"] * np.log(bell) / (1 - d["gamma"]), abs=1e-6)


# Answers


@pytest.mark.parametrize("answer", [None, 3.0, (1.0,), (1.0, 2.0, 3.0), np.zeros(3)])
def test_anything_but_two_shares_is_explained(answer):
    problem = PROBLEMS["kl_gap"]
    with pytest.raises(AnswerError, match="two numbers, \\(policy_share, luck_share\\)"):
        problem.read(problem.example, answer)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "three arrays, (Q, V, policy); it is None"),
        ((np.zeros((2, 2)),) * 2, "it is a tuple of 2"),
        ((np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2))), "Q must have shape (2, 2)"),
        ((np.zeros((2, 2)), np.full(2, np.nan), np.zeros((2, 2))), "V holds NaN"),
        ((np.zeros((2, 2)), np.zeros(2), np.zeros(2)), "policy must have shape (2, 2)"),
    ],
)
def test_three_arrays_that_cannot_be_read_are_explained(answer, sentence):
    problem = PROBLEMS["soft_vi"]
    with pytest.raises(AnswerError, match=re.escape(sentence)):
        problem.read(problem.example, answer)


def test_a_bound_above_the_evidence_is_pointed_out():
    def entropy(**d):
        uniform = np.full_like(d["rho"], 1.0 / d["rho"].shape[1])
        flat = PROBLEMS["elbo"].reference(**d | {"rho": uniform})
        return flat + len(d["policy"]) * np.log(d["rho"].shape[1])

    result = judged(PROBLEMS["elbo"], entropy, 1)
    assert any("no lower bound is above it" in (p.fault or "") for p in result.properties)
    assert result.misconception == "prior dropped"


def test_a_negative_share_is_pointed_out():
    result = judged(PROBLEMS["kl_gap"], lambda **d: (-1.0, 0.0), 1)
    assert "a divergence is never negative" in result.properties[0].fault


@pytest.mark.parametrize(
    ("off", "sentence"),
    [(1.0, "your V is no fixed point"), (0.01, "the sweeps stopped too soon: one more would move")],
)
def test_values_that_a_sweep_still_moves_are_told_so(off, sentence):
    def impatient(**d):
        Q, V, policy = PROBLEMS["soft_vi"].reference(**d)
        return Q, V + off, policy

    result = judged(PROBLEMS["soft_vi"], impatient, 1)
    faults = {p.name: p.fault for p in result.properties}
    assert sentence in faults["values"]


# The notebook's text


def test_the_worked_bounds_and_shares_are_right():
    space, text = given(), the_text()
    d = {name: space[name] for name in ("P", "R", "mu0", "rho")} | {"alpha": 1.0}
    v = space["log_beta_s"]
    bounds = {
        name: PROBLEMS["elbo"].reference(**d, policy=space[name])
        for name in ("always_rest", "as_before", "told_policy")
    }
    assert bounds["always_rest"] == pytest.approx(np.log(1 / 16))
    assert bounds["as_before"] == pytest.approx(-41 / 16 * np.log(2))
    assert f"{bounds['as_before']:.3f}" in text
    assert f"{np.log(47 / 256):.3f}" in text
    shares = {
        name: PROBLEMS["kl_gap"].reference(**d, policy=space[name], log_beta_s=v) for name in bounds
    }
    for name, bound in bounds.items():
        assert bound + sum(shares[name]) == pytest.approx(np.log(47 / 256))
    assert shares["always_rest"] == pytest.approx((np.log(47 / 16), 0))
    climb = np.log(23 / 12) / 4 + 3 / 4 * np.log(69 / 80)
    assert shares["told_policy"] == pytest.approx((0, 23 / 47 * climb), abs=1e-12)
    assert f"{climb:.4f}" in text


def test_the_worked_values_are_right():
    space, text = given(), the_text()
    V = PROBLEMS["soft_vi"].reference(space["P"], space["R"], space["rho"], 1.0, 0.5)[1]
    assert "about {:.2f} on the ground and {:.2f} in the tree".format(*V) in text
    one = {"P": np.ones((1, 2, 1)), "R": np.log([[1 / 2, 1 / 4]]), "rho": np.full((1, 2), 0.5)}
    _, V, policy = PROBLEMS["soft_vi"].reference(**one, alpha=1.0, gamma=0.5)
    assert V[0] == pytest.approx(np.log(9 / 64))
    assert policy[0] == pytest.approx([2 / 3, 1 / 3])


def _divergence(p, q):
    return np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0))


def test_the_model_answer_of_the_written_question_holds_for_every_policy():
    rng = np.random.default_rng(4)
    for _ in range(50):
        Q, alpha, eta = rng.normal(size=3), *rng.uniform(0.1, 3.0, size=2)
        rho, now, pi = rng.dirichlet(np.ones(3), size=3)
        both = alpha + eta
        weight = rho ** (alpha / both) * now ** (eta / both) * np.exp(Q / both)
        kept = pi @ Q - alpha * _divergence(pi, rho) - eta * _divergence(pi, now)
        best = both * np.log(weight.sum())
        assert kept == pytest.approx(best - both * _divergence(pi, weight / weight.sum()))


def test_the_numbers_of_the_written_question_are_right():
    Q, rho, now = np.log([1 / 2, 1 / 4]), np.array([1 / 2, 1 / 2]), np.array([1 / 3, 2 / 3])

    def kept(pi):
        return pi @ Q - _divergence(pi, rho) - _divergence(pi, now)

    assert kept(np.array([1 / 2, 1 / 2])) == pytest.approx(np.log(1 / 3))
    assert kept(np.array([1.0, 0.0])) == pytest.approx(np.log(1 / 12))
    grid = np.linspace(0, 1, 1001)
    assert grid[np.argmax([kept(np.array([x, 1 - x])) for x in grid])] == pytest.approx(1 / 2)


def test_the_picture_at_the_end_is_drawn_and_shows_what_the_text_says():
    pytest.importorskip("matplotlib").use("agg")
    space = given()
    for cell in FOLDER.cells:
        if "solution" in cell.metadata or "def take_apart" in cell.source:
            exec(cell.source, space)
    assert np.allclose(
        space["bound"] + space["policy_share"] + space["luck_share"], space["evidence"]
    )
    chances = space["chances"]
    told, best = (
        chances[f(space[x])] for f, x in ((np.argmin, "policy_share"), (np.argmax, "bound"))
    )
    assert best < told - 0.05
    assert space["policy_share"].min() < 1e-3
    slopes = np.diff(space["luck_share"]) / np.diff(chances)
    assert np.allclose(slopes, slopes[0])
    climb = np.diff([space["take_apart"](x, alpha=1.0)[3] for x in (0.0, 1.0)])
    assert climb[0] == pytest.approx(np.log(23 / 12) / 4 + 3 / 4 * np.log(69 / 80))
    space["plt"].close("all")


def test_links_of_the_written_question_lead_somewhere():
    page, anchor = FOLDER.assignment.written[0].section.split("#")
    text = (COURSE.root / "book" / page.replace(".html", ".md")).read_text(encoding="utf-8")
    assert f"({anchor})=" in text


# The sample class


@STUDENT_WARNINGS
@pytest.mark.parametrize(
    "student",
    ["changes-what-it-gets", "first-things-only", "keeps-a-list", "two-mistakes"],
)
def test_an_odd_student_gets_the_expected_marks(student):
    FOLDER.expect_the_marks_of(student)


@STUDENT_WARNINGS
def test_of_two_mistakes_one_is_named():
    results = FOLDER.results_of("two-mistakes", 1)
    assert {name: r.misconception for name, r in results.items()} == {
        "elbo": "prior dropped",
        "kl_gap": "first state left out",
        "soft_vi": "prior dropped",
    }
    assert all(r.message.startswith("Part of what goes wrong") for r in results.values())


# Practice


def test_practice_warns_of_withheld_modules(tmp_path, monkeypatch):
    (tmp_path / "checks.py").write_text(COURSE.checks("variational_bound").read_text())
    monkeypatch.chdir(tmp_path)

    def elbo(P, R, mu0, rho, policy, alpha):
        from cs_infer.bound import elbo

        mdp = ci.TabularMDP.from_arrays(
            transition=P,
            reward=R,
            initial=mu0,
            action_prior=rho,
            horizon=len(policy),
            temperature=alpha,
        )
        return elbo(mdp, policy)

    report = check("elbo", elbo)
    assert report.passed
    assert any("cs_infer.bound" in warning for warning in report.warnings)
