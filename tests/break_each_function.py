# ruff: noqa: E501  (a fault is one line: what, old text, new text)
"""Break each function on purpose and see its equation's test go red.

    python tests/break_each_function.py            # every equation: a few minutes
    python tests/break_each_function.py eq-energy  # one equation

Each entry below is a fault that a person could make: a prior left out, a sign
turned, a step miscounted. It is made in a temporary copy of the library, and
the tests that carry the equation's mark are run against that copy. They must
fail. A fault that they do not see is printed as SURVIVED, and the script
exits with status 1. It is run by hand, since it starts a test run per fault.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Fault(NamedTuple):
    """One change of text, which must occur exactly once in the function's file."""

    label: str
    file: str
    what: str
    old: str
    new: str


def _faults(label, file, *changes):
    return [Fault(label, file, *change) for change in changes]


FAULTS = [
    *_faults(
        "eq-open-loop", "planning",
        ("forgets what is forbidden", "reward = np.where(mdp.action_prior > 0, expected_reward(mdp), -np.inf)\n    belief", "reward = expected_reward(mdp)\n    belief"),
        ("minimises", "best = int(np.argmax(value))", "best = int(np.argmin(value))"),
        ("reward of step 0 at every step", "_mean(belief[:, :, None], reward[t], axis=1)", "_mean(belief[:, :, None], reward[0], axis=1)"),
        ("transition transposed", '"ns,sat->nat"', '"ns,tas->nat"'),
        ("starts anywhere", "belief, value = mdp.initial[None, :]", "belief, value = np.full((1, S), 1 / S)"),
        ("ignores the next state's reward", "if mdp.reward_next is None:", "if True:"),
    ),
    *_faults(
        "eq-closed-loop", "planning",
        ("forgets what is forbidden", "reward = np.where(mdp.action_prior > 0, expected_reward(mdp), -np.inf)\n    Q", "reward = expected_reward(mdp)\n    Q"),
        ("minimises", "Q[t].max(axis=1)", "Q[t].min(axis=1)"),
        ("reward of step 0 at every step", "Q[t] = reward[t]", "Q[t] = reward[0]"),
        ("forgets the future", "Q[t] = reward[t] + _mean(mdp.transition, V_next, axis=2)", "Q[t] = reward[t]"),
        ("value of the last step at the start", "_mean(mdp.initial, V[0], axis=0)", "_mean(mdp.initial, V[-1], axis=0)"),
        ("maximum over next states", "Q[t] = reward[t] + _mean(mdp.transition, V_next, axis=2)", "Q[t] = reward[t] + np.where(mdp.transition > 0, V_next, -np.inf).max(axis=2)"),
    ),
    *_faults(
        "eq-trajectory-prior", "trajectories",
        ("no initial state", "log_p = mdp.log_initial[s[..., 0]] + mdp", "log_p = mdp"),
        ("no action prior", " + mdp.log_action_prior[s, a].sum(axis=-1)\n    with", "\n    with"),
        ("no transitions", "return log_p + log_P.sum(axis=-1)", "return log_p"),
        ("transition backwards", "mdp.transition[s[..., :-1], a[..., :-1], s[..., 1:]])", "mdp.transition[s[..., 1:], a[..., :-1], s[..., :-1]])"),
        ("action of the next step", "mdp.transition[s[..., :-1], a[..., :-1], s[..., 1:]])", "mdp.transition[s[..., :-1], a[..., 1:], s[..., 1:]])"),
        ("last action not counted", "mdp.log_action_prior[s, a].sum(axis=-1)", "mdp.log_action_prior[s, a][..., :-1].sum(axis=-1)"),
    ),
    *_faults(
        "eq-optimality", "optimality",
        ("no temperature", "return mdp.scaled_reward\n", "return mdp.reward\n"),
        ("sign", "return mdp.scaled_reward\n", "return -np.abs(mdp.scaled_reward) * 0.5\n"),
        ("step 0 for every step", "return mdp.scaled_reward\n", "return np.broadcast_to(mdp.scaled_reward[0], mdp.reward.shape)\n"),
    ),
    *_faults(
        "eq-optimality-next-state", "optimality",
        ("next state ignored", "return mdp.scaled_reward + logsumexp(mdp.log_step, axis=2)", "return mdp.scaled_reward"),
        ("mean instead of log E exp", "return mdp.scaled_reward + logsumexp(mdp.log_step, axis=2)", "return mdp.scaled_reward + np.sum(mdp.transition * np.where(mdp.transition > 0, mdp.reward_next, 0.0), axis=2) / mdp.temperature"),
        ("sum over the current state", "return mdp.scaled_reward + logsumexp(mdp.log_step, axis=2)", "return mdp.scaled_reward + logsumexp(mdp.log_step, axis=0).T"),
        ("maximum over next states", "return mdp.scaled_reward + logsumexp(mdp.log_step, axis=2)", "return mdp.scaled_reward + mdp.log_step.max(axis=2)"),
    ),
    *_faults(
        "eq-action-given-optimal", "optimality",
        ("no action prior", "normalise(mdp.log_action_prior + log_p_optimal_next_state(mdp))", "normalise(log_p_optimal_next_state(mdp))"),
        ("sign", "normalise(mdp.log_action_prior + log_p_optimal_next_state(mdp))", "normalise(mdp.log_action_prior - np.maximum(log_p_optimal_next_state(mdp), -99))"),
        ("normalised over states", "normalise(mdp.log_action_prior + log_p_optimal_next_state(mdp))", "normalise(mdp.log_action_prior + log_p_optimal_next_state(mdp), axis=1)"),
    ),
    *_faults(
        "eq-action-given-not-optimal", "optimality",
        ("no action prior", "weight = mdp.action_prior * _p_not_optimal(mdp)", "weight = _p_not_optimal(mdp)"),
        ("the prior", "weight = mdp.action_prior * _p_not_optimal(mdp)", "weight = np.broadcast_to(mdp.action_prior, mdp.reward.shape)"),
        ("success for failure", "weight = mdp.action_prior * _p_not_optimal(mdp)", "weight = mdp.action_prior * (1 - _p_not_optimal(mdp))"),
        ("no temperature on the next state", "below = mdp.reward_next / mdp.temperature - top", "below = mdp.reward_next - top"),
        ("next state ignored", "return -np.expm1(best) + np.exp(best)", "return -np.expm1(best) + 0 * np.exp(best)"),
    ),
    *_faults(
        "eq-trajectory-likelihood", "trajectories",
        ("no temperature", "total = mdp.scaled_reward[steps, s, a]", "total = mdp.reward[steps, s, a]"),
        ("step 0 for every step", "total = mdp.scaled_reward[steps, s, a]", "total = mdp.scaled_reward[0, s, a]"),
        ("last step left out", "mdp.scaled_reward[steps, s, a].sum(axis=-1)", "mdp.scaled_reward[steps, s, a][..., :-1].sum(axis=-1)"),
        ("last next state left out", "return total + inner / mdp.temperature + last", "return total + inner / mdp.temperature"),
        ("no temperature on the next state", "return total + inner / mdp.temperature + last", "return total + inner + last"),
    ),
    *_faults(
        "eq-trajectory-posterior", "trajectories",
        ("not normalised", "return log_joint - log_evidence", "return log_joint"),
        ("no likelihood", "return log_joint - log_evidence", "return trajectory_log_prior(mdp, states, actions)"),
        ("no prior", "return log_joint - log_evidence", "return trajectory_log_likelihood(mdp, states, actions) - log_evidence"),
    ),
    *_faults(
        "eq-evidence", "trajectories",
        ("no prior", "return float(logsumexp(self.log_prior + self.log_likelihood))", "return float(logsumexp(self.log_likelihood))"),
        ("no likelihood", "return float(logsumexp(self.log_prior + self.log_likelihood))", "return float(logsumexp(self.log_prior))"),
        ("best trajectory only", "return float(logsumexp(self.log_prior + self.log_likelihood))", "return float(np.max(self.log_prior + self.log_likelihood))"),
        ("mean log-likelihood", "return float(logsumexp(self.log_prior + self.log_likelihood))", "return float(np.sum(self.prior * np.maximum(self.log_likelihood, -99)))"),
        ("only the first start", "states = np.flatnonzero(mdp.initial)[:, None]", "states = np.flatnonzero(mdp.initial)[:1, None]"),
    ),
    *_faults(
        "eq-energy", "trajectories",
        ("sign", "return -trajectory_log_likelihood(mdp, states, actions)", "return trajectory_log_likelihood(mdp, states, actions)"),
        ("in units of reward", "return -trajectory_log_likelihood(mdp, states, actions)", "return -trajectory_log_likelihood(mdp, states, actions) * mdp.temperature"),
        ("prior counted twice", "return -trajectory_log_likelihood(mdp, states, actions)", "return -trajectory_log_likelihood(mdp, states, actions) - trajectory_log_prior(mdp, states, actions)"),
    ),
    *_faults(
        "eq-action-posterior", "trajectories",
        ("prior for posterior", "(table.states[:, t], table.actions[:, t]), table.posterior)", "(table.states[:, t], table.actions[:, t]), table.prior)"),
        ("joint, not conditional", "return np.divide(joint, total,", "return np.divide(joint, 1.0,"),
        ("first action at every step", "table.actions[:, t]), table.posterior", "table.actions[:, 0]), table.posterior"),
        ("normalised over states", "total = joint.sum(axis=2, keepdims=True)", "total = joint.sum(axis=1, keepdims=True)"),
    ),
    *_faults(
        "eq-backward-message", "messages",
        ("no action prior", "log_beta_s[t] = logsumexp(mdp.log_action_prior + log_beta_sa[t], axis=1)", "log_beta_s[t] = logsumexp(log_beta_sa[t], axis=1)"),
        ("from the next step on", "log_beta_sa[t] = mdp.scaled_reward[t] + ahead", "log_beta_sa[t] = ahead"),
        ("no temperature", "log_beta_sa[t] = mdp.scaled_reward[t] + ahead", "log_beta_sa[t] = mdp.reward[t] + ahead"),
        ("step 0 for every step", "log_beta_sa[t] = mdp.scaled_reward[t] + ahead", "log_beta_sa[t] = mdp.scaled_reward[0] + ahead"),
        ("expectation of the log (soft values)", "ahead = logsumexp(mdp.log_step + log_beta_next, axis=2)", "ahead = np.sum(mdp.transition * np.where(mdp.transition > 0, np.maximum(log_beta_next, -999), 0.0), axis=2)"),
        ("transition transposed", "mdp.log_step + log_beta_next, axis=2)", "(mdp.log_step + log_beta_next).transpose(2, 1, 0), axis=2)"),
        ("no initial state", "logsumexp(mdp.log_initial + log_beta_s[0])", "logsumexp(log_beta_s[0])"),
        ("evidence of the last step", "logsumexp(mdp.log_initial + log_beta_s[0])", "logsumexp(mdp.log_initial + log_beta_s[-1])"),
        ("maximum over actions", "log_beta_s[t] = logsumexp(mdp.log_action_prior + log_beta_sa[t], axis=1)", "log_beta_s[t] = np.max(np.where(mdp.action_prior > 0, log_beta_sa[t], -np.inf), axis=1)"),
    ),
    *_faults(
        "eq-posterior-policy", "messages",
        ("no action prior", "policy = normalise(mdp.log_action_prior + log_beta_sa, axis=2)", "policy = normalise(log_beta_sa, axis=2)"),
        ("prior counted twice", "policy = normalise(mdp.log_action_prior + log_beta_sa, axis=2)", "policy = normalise(2 * mdp.log_action_prior + log_beta_sa, axis=2)"),
        ("not normalised", "policy = normalise(mdp.log_action_prior + log_beta_sa, axis=2)", "policy = np.exp(mdp.log_action_prior + log_beta_sa)"),
        ("one step ahead", "policy = normalise(mdp.log_action_prior + log_beta_sa, axis=2)", "policy = normalise(mdp.log_action_prior + np.roll(log_beta_sa, -1, axis=0), axis=2)"),
        ("in units of reward", "policy = normalise(mdp.log_action_prior + log_beta_sa, axis=2)", "policy = normalise(mdp.log_action_prior + mdp.temperature * log_beta_sa, axis=2)"),
    ),
    *_faults(
        "eq-forward-message", "messages",
        ("no action prior", "here = log_forward[t][:, None] + mdp.log_action_prior + mdp.scaled_reward[t]", "here = log_forward[t][:, None] + mdp.scaled_reward[t]"),
        ("no reward (filter of the prior)", "here = log_forward[t][:, None] + mdp.log_action_prior + mdp.scaled_reward[t]", "here = log_forward[t][:, None] + mdp.log_action_prior"),
        ("reward of the next step", "+ mdp.log_action_prior + mdp.scaled_reward[t]", "+ mdp.log_action_prior + mdp.scaled_reward[t + 1]"),
        ("no temperature", "+ mdp.log_action_prior + mdp.scaled_reward[t]", "+ mdp.log_action_prior + mdp.reward[t]"),
        ("starts anywhere", "log_forward[0] = mdp.log_initial", "log_forward[0] = -np.log(S)"),
        ("transition transposed", "logsumexp(here[:, :, None] + mdp.log_step, axis=(0, 1))", "logsumexp(here[:, :, None] + mdp.log_step.transpose(2, 1, 0), axis=(0, 1))"),
        ("not normalised", "normalise(log_forward, axis=1)", "np.exp(log_forward)"),
    ),
    *_faults(
        "eq-smoothed-marginal", "messages",
        ("no past", "joint = log_forward[:, :, None] + mdp", "joint = mdp"),
        ("no future", "joint = log_forward[:, :, None] + mdp.log_action_prior + log_beta_sa", "joint = log_forward[:, :, None] + mdp.log_action_prior + 0 * mdp.action_prior"),
        ("no action prior", "joint = log_forward[:, :, None] + mdp.log_action_prior + log_beta_sa", "joint = log_forward[:, :, None] + log_beta_sa"),
        ("normalised state by state", "normalise(joint, axis=(1, 2))", "normalise(joint, axis=2)"),
        ("future one step ahead", "mdp.log_action_prior + log_beta_sa\n    state_action", "mdp.log_action_prior + np.roll(log_beta_sa, -1, axis=0)\n    state_action"),
    ),
    *_faults(
        "eq-posterior-sampling", "sampling",
        ("starts from the prior", "initial = normalise(mdp.log_initial + messages.log_beta_s[0])", "initial = mdp.initial"),
        ("true dynamics", "kernel = (normalise(mdp.log_step + log_next[t]) for t in range(mdp.horizon))", "kernel = (mdp.transition for t in range(mdp.horizon))"),
        ("future one step late", "normalise(mdp.log_step + log_next[t])", "normalise(mdp.log_step + messages.log_beta_s[t])"),
        ("acts by the prior", "_roll_out(initial, messages.policy, kernel", "_roll_out(initial, np.broadcast_to(mdp.action_prior, mdp.reward.shape), kernel"),
        ("policy of step 0 throughout", "actions[:, t] = _draw(policy[t, s], rng)", "actions[:, t] = _draw(policy[0, s], rng)"),
        ("reward on the next state ignored", "normalise(mdp.log_step + log_next[t])", "normalise(np.log(mdp.transition) + log_next[t])"),
    ),
]  # fmt: skip


def verdict(fault: Fault) -> str:
    """Make the fault in a copy, run the equation's tests: "red", "SURVIVED" or "STALE"."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "cs_infer", copy / "cs_infer")
        shutil.copytree(ROOT / "tests", copy / "tests")
        path = copy / "cs_infer" / f"{fault.file}.py"
        text = path.read_text(encoding="utf-8")
        if text.count(fault.old) != 1:
            return "STALE"
        path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
        status, output = run_tests(copy, fault.label)
    reasons = re.findall(r"^\S+\.py:\d+: (\w+)$", output, re.MULTILINE)
    if status == 1 and reasons:
        return f"red ({reasons[-1]})"
    return "SURVIVED" if status == 0 else f"BROKEN RUN ({status}): {output[-300:]}"


def run_tests(root: Path, label: str) -> tuple[int, str]:
    """Run the tests marked with ``label`` against the package in ``root``."""
    code = (
        "import sys, pytest\n"
        "class Only:\n"
        "    def pytest_collection_modifyitems(self, items):\n"
        f"        items[:] = [i for i in items if any(m.args == ({label!r},)"
        " for m in i.iter_markers('equation'))]\n"
        "import cs_infer\n"
        f"assert cs_infer.__file__.startswith({str(root)!r}), cs_infer.__file__\n"
        "options = ['-qx', '-p', 'no:cacheprovider', '-c', '/dev/null', '--rootdir', '.']\n"
        "options += ['-o', 'markers=equation', 'tests/test_equations.py']\n"
        "sys.exit(pytest.main(options, plugins=[Only()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "HYPOTHESIS_PROFILE": "first-failure"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def main(labels: list[str]) -> int:
    chosen = [fault for fault in FAULTS if not labels or fault.label in labels]
    unknown = sorted(set(labels) - {fault.label for fault in FAULTS})
    if unknown:
        print(f"no fault is written down for {', '.join(unknown)}; add some to FAULTS")
        return 2
    for label in sorted({fault.label for fault in chosen}):
        status, output = run_tests(ROOT, label)
        if status != 0:
            print(f"{label}: its test must be green before anything is broken\n{output}")
            return 2
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        verdicts = list(pool.map(verdict, chosen))
    for fault, result in zip(chosen, verdicts, strict=True):
        print(f"{fault.label:30} {fault.what:40} {result}")
    caught = sum(result.startswith("red") for result in verdicts)
    print(f"{caught} of {len(chosen)} faults seen")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
