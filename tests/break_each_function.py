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
        ("reward of step 0 at every step", "mean(belief[:, :, None], reward[t], axis=1)", "mean(belief[:, :, None], reward[0], axis=1)"),
        ("transition transposed", '"ns,sat->nat"', '"ns,tas->nat"'),
        ("starts anywhere", "belief, value = mdp.initial[None, :]", "belief, value = np.full((1, S), 1 / S)"),
        ("ignores the next state's reward", "if mdp.reward_next is None:", "if True:"),
    ),
    *_faults(
        "eq-closed-loop", "planning",
        ("forgets what is forbidden", "reward = np.where(mdp.action_prior > 0, expected_reward(mdp), -np.inf)\n    Q", "reward = expected_reward(mdp)\n    Q"),
        ("minimises", "Q[t].max(axis=1)", "Q[t].min(axis=1)"),
        ("reward of step 0 at every step", "Q[t] = reward[t]", "Q[t] = reward[0]"),
        ("forgets the future", "Q[t] = reward[t] + mdp.dynamics.expect(V_next)", "Q[t] = reward[t]"),
        ("value of the last step at the start", "mean(mdp.initial, V[0], axis=0)", "mean(mdp.initial, V[-1], axis=0)"),
        ("maximum over next states", "Q[t] = reward[t] + mdp.dynamics.expect(V_next)", "Q[t] = reward[t] + np.where(mdp.transition > 0, V_next, -np.inf).max(axis=2)"),
    ),
    *_faults(
        "eq-trajectory-prior", "trajectories",
        ("no initial state", "log_p = mdp.log_initial[s[..., 0]] + mdp", "log_p = mdp"),
        ("no action prior", " + mdp.log_action_prior[s, a].sum(axis=-1)\n    P =", "\n    P ="),
        ("no transitions", "return log_p + safe_log(P).sum(axis=-1)", "return log_p"),
        ("transition backwards", "mdp.dynamics.probability, s, a)", "mdp.dynamics.probability, s[..., ::-1], a[..., ::-1])"),
        ("action of the next step", "mdp.dynamics.probability, s, a)", "mdp.dynamics.probability, s, np.roll(a, -1, axis=-1))"),
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
        ("next state ignored", "return mdp.scaled_reward + mdp.paying_dynamics.log_expect(nothing_after)", "return mdp.scaled_reward"),
        ("mean instead of log E exp", "return mdp.scaled_reward + mdp.paying_dynamics.log_expect(nothing_after)", "return mdp.scaled_reward + np.sum(mdp.transition * np.where(mdp.transition > 0, mdp.reward_next, 0.0), axis=2) / mdp.temperature"),
        ("sum over the current state", "return mdp.scaled_reward + mdp.paying_dynamics.log_expect(nothing_after)", "return mdp.scaled_reward + np.log(np.exp(mdp.log_step).sum(axis=0).T)"),
        ("maximum over next states", "return mdp.scaled_reward + mdp.paying_dynamics.log_expect(nothing_after)", "return mdp.scaled_reward + mdp.log_step.max(axis=2)"),
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
        ("no temperature on the next state", "mdp.paying_dynamics.gain - top", "mdp.temperature * mdp.paying_dynamics.gain - top"),
        ("next state ignored", "return -np.expm1(best) + np.exp(best)", "return -np.expm1(best) + 0 * np.exp(best)"),
    ),
    *_faults(
        "eq-trajectory-likelihood", "trajectories",
        ("no temperature", "total = mdp.scaled_reward[steps, s, a]", "total = mdp.reward[steps, s, a]"),
        ("step 0 for every step", "total = mdp.scaled_reward[steps, s, a]", "total = mdp.scaled_reward[0, s, a]"),
        ("last step left out", "[..., counts].sum(axis=-1)", "[..., counts][..., :-1].sum(axis=-1)"),
        ("last next state left out", "return total + last[s[..., -1], a[..., -1]]", "return total"),
        ("no temperature on the next state", "total + gain[..., counts[:-1]].sum(axis=-1)", "total + mdp.temperature * gain[..., counts[:-1]].sum(axis=-1)"),
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
        "eq-backward-message", "backups",
        ("from the next step on", "return reward + getattr(dynamics, ahead)(v_next)", "return getattr(dynamics, ahead)(v_next)"),
        ("no temperature", "return reward + getattr(dynamics, ahead)(v_next)", "return mdp.temperature * reward + getattr(dynamics, ahead)(v_next)"),
        ("message not carried on", "v, top = centred(back(t, v))", "v, top = centred(back(t, mdp.log_terminal))"),
        ("forwards in time", "for t in reversed(range(mdp.horizon)):", "for t in range(mdp.horizon):"),
        ("maximum over actions", "return logsumexp(mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next), axis=-1)", "return (mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next)).max(-1)"),
    ),
    *_faults(
        "eq-backward-message", "messages",
        ("expectation of the log (soft values)", 'self.values.relative[..., t + 1, :], "log_expect")', 'self.values.relative[..., t + 1, :], "expect")'),
        ("one step late", 'self.values.relative[..., t + 1, :], "log_expect")', 'self.values.relative[..., t, :], "log_expect")'),
        ("no initial state", "self.values.log_mean(self.mdp.log_initial)", "self.values.log_mean(0 * self.mdp.initial)"),
        ("evidence of the last step", "self.values.log_mean(self.mdp.log_initial)", "logsumexp(self.mdp.log_initial + self.values.at(self.mdp.horizon - 1), axis=-1)"),
    ),
    *_faults(
        "eq-backward-message", "mdp",
        ("no action prior", "return self.log_action_prior + self.step(t)[0]", "return self.step(t)[0]"),
        ("step 0 for every step", "reward = once[..., min(t, once.shape[-3] - 1), :, :]", "reward = once[..., 0, :, :]"),
    ),
    *_faults(
        "eq-backward-message", "dynamics/dense",
        ("transition transposed", "return flat.reshape(*flat.shape[:-1], self.num_actions, self.num_states).swapaxes(-1, -2)", "return np.einsum('tas,t->sa', self.probability, v)"),
    ),
    *_faults(
        "eq-soft-maximum", "log_space",
        ("sum instead of mean", "return logsumexp(safe_log(probability) + log_x, axis=axis)", "return logsumexp(np.where(probability > 0, log_x, -np.inf), axis=axis)"),
        ("maximum", "return logsumexp(safe_log(probability) + log_x, axis=axis)", "return np.max(np.where(probability > 0, log_x, -np.inf), axis=axis)"),
        ("mean", "return logsumexp(safe_log(probability) + log_x, axis=axis)", "return np.sum(probability * np.where(probability > 0, log_x, 0.0), axis=axis)"),
        ("shift not put back", "result = safe_log(total) + shift", "result = safe_log(total)"),
    ),
    *_faults(
        "eq-evidence-gradient", "messages",
        ("no past", "joint = _past(mdp).relative + messages.values.relative[..., :-1, :]", "joint = messages.log_beta_s"),
        ("no future", "joint = _past(mdp).relative + messages.values.relative[..., :-1, :]", "joint = _past(mdp).relative"),
        ("acts by the prior", "return self.state[..., t, :, None] * self.messages.step(t).policy", "return self.state[..., t, :, None] * self.messages.mdp.action_prior"),
    ),
    *_faults(
        "eq-soft-bellman-exact", "backups",
        ("from the next step on", "return reward + getattr(dynamics, ahead)(v_next)", "return getattr(dynamics, ahead)(v_next)"),
        ("no temperature", "return reward + getattr(dynamics, ahead)(v_next)", "return mdp.temperature * reward + getattr(dynamics, ahead)(v_next)"),
        ("hard maximum over actions", "return logsumexp(mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next), axis=-1)", "return (mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next)).max(-1)"),
        ("sum instead of mean over actions", "return logsumexp(mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next), axis=-1)", "return logsumexp(mdp.step(t)[0] + getattr(dynamics, ahead)(v_next), axis=-1)"),
    ),
    *_faults(
        "eq-soft-bellman-exact", "messages",
        ("mean of the log", 'sweep(mdp, ahead="log_expect")', 'sweep(mdp, ahead="expect")'),
        ("best next state", 'sweep(mdp, ahead="log_expect")', 'sweep(mdp, ahead="best")'),
    ),
    *_faults(
        "eq-advantage", "messages",
        ("baseline without the prior", "v = logsumexp(self.mdp.log_action_prior + q, axis=-1)[..., None]", "v = logsumexp(q, axis=-1)[..., None]"),
        ("hard maximum as baseline", "v = logsumexp(self.mdp.log_action_prior + q, axis=-1)[..., None]", "v = q.max(-1)[..., None]"),
        ("no baseline", "v = logsumexp(self.mdp.log_action_prior + q, axis=-1)[..., None]", "v = 0 * q[..., :1]"),
        ("log of the policy", "return self._all_steps(self._advantage)", "return np.log(self.policy, where=self.policy > 0, out=np.full(self.policy.shape, -np.inf))"),
    ),
    *_faults(
        "eq-posterior-policy", "messages",
        ("no action prior", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(q, axis=-1)"),
        ("prior counted twice", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(2 * self.mdp.log_action_prior + q, axis=-1)"),
        ("not normalised", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = np.exp(self.mdp.log_action_prior + q)"),
        ("one step ahead", "        q = self._action_values(t)\n        policy", "        q = self._action_values(min(t + 1, self.mdp.horizon - 1))\n        policy"),
        ("in units of reward", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(self.mdp.log_action_prior + self.mdp.temperature * q, axis=-1)"),
    ),
    *_faults(
        "eq-forward-message", "messages",
        ("no action prior", "log_f[..., None] + mdp.log_action_weight(t)", "log_f[..., None] + mdp.step(t)[0]"),
        ("no reward (filter of the prior)", "log_f[..., None] + mdp.log_action_weight(t)", "log_f[..., None] + mdp.log_action_prior"),
        ("reward of the next step", "log_f[..., None] + mdp.log_action_weight(t)", "log_f[..., None] + mdp.log_action_weight(t + 1)"),
        ("no temperature", "log_f[..., None] + mdp.log_action_weight(t)", "log_f[..., None] + mdp.log_action_prior + mdp.temperature * mdp.step(t)[0]"),
        ("starts anywhere", "centred(mdp.log_initial)", "centred(0 * mdp.initial - np.log(mdp.num_states))"),
        ("reward on arrival ignored", "        _, dynamics = mdp.step(t)\n        log_f", "        dynamics = mdp.dynamics\n        log_f"),
        ("not normalised", "normalise(past.relative, axis=-1)", "np.exp(past.relative)"),
    ),
    *_faults(
        "eq-smoothed-marginal", "messages",
        ("no past", "joint = _past(mdp).relative + messages.values.relative[..., :-1, :]", "joint = messages.log_beta_s"),
        ("no future", "joint = _past(mdp).relative + messages.values.relative[..., :-1, :]", "joint = _past(mdp).relative"),
        ("acts by the prior", "return self.state[..., t, :, None] * self.messages.step(t).policy", "return self.state[..., t, :, None] * self.messages.mdp.action_prior"),
        ("normalised over time", "SmoothedMarginals(normalise(joint, axis=-1), messages)", "SmoothedMarginals(normalise(joint, axis=-2), messages)"),
        ("future one step ahead", "_past(mdp).relative + messages.values.relative[..., :-1, :]", "_past(mdp).relative + messages.values.relative[..., 1:, :]"),
    ),
    *_faults(
        "eq-pairwise-marginal", "messages",
        ("true dynamics", "return marginals.step(t)[..., None] * posterior_dynamics", "return marginals.step(t)[..., None] * mdp.dynamics.probability"),
        ("future one step late", "marginals.messages.values.relative[..., t + 1, :]", "marginals.messages.values.relative[..., t, :]"),
        ("past of the next step", "return marginals.step(t)[..., None] * posterior_dynamics", "return marginals.step(min(t + 1, mdp.horizon - 1))[..., None] * posterior_dynamics"),
        ("conditional, not joint", "return marginals.step(t)[..., None] * posterior_dynamics", "return posterior_dynamics"),
    ),
    *_faults(
        "eq-most-likely", "most_likely",
        ("sum over next states", "look = dynamics.log_expect if t == last else dynamics.max_product", "look = dynamics.log_expect"),
        ("probability of the move ignored", "look = dynamics.log_expect if t == last else dynamics.max_product", "look = dynamics.log_expect if t == last else dynamics.best"),
        ("maximum over the state after the end", "look = dynamics.log_expect if t == last else dynamics.max_product", "look = dynamics.max_product"),
        ("no action prior", "return mdp.log_action_weight(t) + look(v_next)", "return mdp.step(t)[0] + look(v_next)"),
        ("starts anywhere", "scores = to_numpy(mdp.log_initial + values.relative[0])", "scores = to_numpy(values.relative[0]) - np.log(mdp.num_states)"),
        ("joint, not posterior", "log_joint - log_evidence", "log_joint"),
    ),
    *_faults(
        "eq-observed", "mdp",
        ("pattern upside down", "if self.observed is None or self.observed[t]:", "if self.observed is None or not self.observed[t]:"),
        ("pattern reversed in time", "if self.observed is None or self.observed[t]:", "if self.observed is None or self.observed[-1 - t]:"),
        ("reward on arrival still counts", "return namespace(reward).zeros_like(reward), self.dynamics", "return namespace(reward).zeros_like(reward), self.paying_dynamics"),
        ("one step late", "if self.observed is None or self.observed[t]:", "if self.observed is None or self.observed[t - 1]:"),
    ),
    *_faults(
        "eq-folded-prior", "mdp",
        ("no number of actions", "extra = self.temperature * (self.log_action_prior + math.log(A))", "extra = self.temperature * self.log_action_prior"),
        ("no temperature", "extra = self.temperature * (self.log_action_prior + math.log(A))", "extra = self.log_action_prior + math.log(A)"),
        ("the probability for its logarithm", "extra = self.temperature * (self.log_action_prior + math.log(A))", "extra = self.temperature * (self.action_prior + math.log(A))"),
        ("prior kept as well", "self._replace(reward=self.reward_once + extra, action_prior=None)", "self._replace(reward=self.reward_once + extra)"),
    ),
    *_faults(
        "eq-temperature-value", "variational",
        ("value of temperature one", "return v if alpha == 1 else alpha * v", "return v"),
    ),
    *_faults(
        "eq-temperature-value", "backups",
        ("hard maximum", "return logsumexp(mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next), axis=-1)", "return (mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next)).max(-1)"),
        ("no action prior", "return logsumexp(mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next), axis=-1)", "return logsumexp(mdp.step(t)[0] + getattr(dynamics, ahead)(v_next), axis=-1)"),
    ),
    *_faults(
        "eq-zero-temperature", "zero_temperature",
        ("readings swapped", 'look = _look_exactly if reading == "exact"', 'look = _look_exactly if reading != "exact"'),
        ("forbidden actions count", "value = xp.where(xp.isfinite(log_allowed) & (value == value), value, never)", "value = xp.where(value == value, value, never)"),
        ("divided by the temperature", "steps.append((mdp.temperature * V,", "steps.append((V,"),
        ("ties shared by the prior alone", "tie, _ = centred(logsumexp(weight, axis=-1))", "tie = 0 * v"),
        ("smallest value", "best = xp.max(value, axis=-1)", "best = xp.min(value, axis=-1)"),
    ),
    *_faults(
        "eq-hidden-markov-view", "hidden_markov",
        ("action of the last pair", "transition = mdp.transition[..., None] * mdp.action_prior", "transition = mdp.transition[..., None] * mdp.action_prior[:, :, None, None]"),
        ("start without an action", "initial = mdp.initial[:, None] * mdp.action_prior", "initial = mdp.initial[:, None] * mdp.action_prior**0"),
        ("pairs numbered a S + s", "initial.reshape(S * A)", "initial.T.reshape(S * A)"),
        ("likelihood of step 0", "mdp.step(t)[0] for t in range(mdp.horizon)", "mdp.step(0)[0] for t in range(mdp.horizon)"),
    ),
    *_faults(
        "eq-collapsed-kernel", "hidden_markov",
        ("no action prior", "    weight = mdp.log_action_weight(0)\n    return", "    weight = mdp.step(0)[0]\n    return"),
        ("no reward", "    weight = mdp.log_action_weight(0)\n    return", "    weight = mdp.log_action_prior\n    return"),
        ("best action", "return logsumexp(weight[..., None] + mdp.log_step, axis=-2)", "return (weight[..., None] + mdp.log_step).max(-2)"),
        ("transposed", "return logsumexp(weight[..., None] + mdp.log_step, axis=-2)", "return logsumexp(weight[..., None] + mdp.log_step, axis=-2).T"),
    ),
    *_faults(
        "eq-posterior-sampling", "sampling",
        ("starts from the prior", "initial = normalise(mdp.log_initial + values[0])", "initial = mdp.initial"),
        ("true dynamics", "return normalise(dynamics.log_weight[s, a] + ahead)", "return mdp.dynamics.probability[s, a]"),
        ("future one step late", "ahead = values[t + 1][dynamics.next_state[s, a]]", "ahead = values[t][dynamics.next_state[s, a]]"),
        ("acts by the prior", "lambda t, s: messages.step(t).policy[s]", "lambda t, s: mdp.action_prior[s]"),
        ("policy of step 0 throughout", "lambda t, s: messages.step(t).policy[s]", "lambda t, s: messages.step(0).policy[s]"),
        ("reward on the next state ignored", "return normalise(dynamics.log_weight[s, a] + ahead)", "return normalise(np.log(mdp.dynamics.probability[s, a]) + ahead)"),
    ),
    *_faults(
        "eq-posterior-dynamics", "posterior",
        ("future one step late", "backward_messages(mdp).values.relative[..., t + 1, :]", "backward_messages(mdp).values.relative[..., t, :]"),
        ("true dynamics", "return dynamics.with_probability(normalise(log_weight, axis=-1))", "return dynamics"),
        ("reward on arrival ignored", "    _, dynamics = mdp.step(t)\n    log_beta_next", "    dynamics = mdp.dynamics\n    log_beta_next"),
        ("not normalised", "normalise(log_weight, axis=-1)", "namespace(log_weight).exp(log_weight)"),
        ("the chance ignored", "log_weight = dynamics.log_weight + dynamics.at_next(log_beta_next)", "log_weight = dynamics.log_support + dynamics.at_next(log_beta_next)"),
    ),
    *_faults(
        "eq-posterior-initial", "posterior",
        ("the prior", "return normalise(mdp.log_initial + backward_messages(mdp).values.relative[..., 0, :], axis=-1)", "return mdp.initial"),
        ("starts anywhere", "normalise(mdp.log_initial + backward_messages(mdp).values.relative[..., 0, :], axis=-1)", "normalise(backward_messages(mdp).values.at(0), axis=-1)"),
        ("message of the second step", "values.relative[..., 0, :], axis=-1", "values.relative[..., 1, :], axis=-1"),
    ),
    *_faults(
        "eq-optimistic-backup", "messages",
        ("mean instead of log E exp", 'self.values.relative[..., t + 1, :], "log_expect")', 'self.values.relative[..., t + 1, :], "expect")'),
        ("best next state", 'self.values.relative[..., t + 1, :], "log_expect")', 'self.values.relative[..., t + 1, :], "best")'),
        ("states by the mean", 'sweep(mdp, ahead="log_expect")', 'sweep(mdp, ahead="expect")'),
    ),
    *_faults(
        "eq-variational-backup", "variational",
        ("log E exp instead of the mean", 'sweep(mdp, ahead="expect")', 'sweep(mdp, ahead="log_expect")'),
        ("Q of the exact reading", 'self.values.relative[..., t + 1, :], "expect")', 'self.values.relative[..., t + 1, :], "log_expect")'),
        ("Q in nats", "SoftStep(self.mdp.temperature * self.values.shift(q, t + 1), policy)", "SoftStep(self.values.shift(q, t + 1), policy)"),
        ("policy without the prior", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(q, axis=-1)"),
        ("policy of temperature one", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(self.mdp.log_action_prior + self.mdp.temperature * q, axis=-1)"),
    ),
    *_faults(
        "eq-optimism-gap", "posterior",
        ("sign", "gap = xp.where(hopeless, 0.0, exact) - xp.where(hopeless, 0.0, mean)", "gap = xp.where(hopeless, 0.0, mean) - xp.where(hopeless, 0.0, exact)"),
        ("value of this step", "v, (_, dynamics) = values[..., t + 1, :], mdp.step(t)", "v, (_, dynamics) = values[..., t, :], mdp.step(t)"),
        ("against the best next state", "exact, mean = dynamics.log_expect(v), dynamics.expect(v)", "exact, mean = dynamics.best(v), dynamics.expect(v)"),
        ("in units of reward", "gaps.append(xp.where(gap > 0, gap, 0.0))", "gaps.append(mdp.temperature * xp.where(gap > 0, gap, 0.0))"),
    ),
    *_faults(
        "eq-optimism-cumulants", "posterior",
        ("sign", "gap = xp.where(hopeless, 0.0, exact) - xp.where(hopeless, 0.0, mean)", "gap = xp.where(hopeless, 0.0, mean) - xp.where(hopeless, 0.0, exact)"),
        ("value of this step", "v, (_, dynamics) = values[..., t + 1, :], mdp.step(t)", "v, (_, dynamics) = values[..., t, :], mdp.step(t)"),
        ("in units of reward", "gaps.append(xp.where(gap > 0, gap, 0.0))", "gaps.append(mdp.temperature * xp.where(gap > 0, gap, 0.0))"),
        ("the other divergence", "exact, mean = dynamics.log_expect(v), dynamics.expect(v)", "exact, mean = dynamics.with_probability(normalise(dynamics.log_weight + dynamics.at_next(v), axis=-1)).expect(v), dynamics.log_expect(v)"),
    ),
    *_faults(
        "eq-best-luck", "posterior",
        ("true dynamics", "return dynamics.with_probability(normalise(log_weight, axis=-1))", "return dynamics"),
        ("twice the luck", "dynamics.at_next(log_beta_next)", "dynamics.at_next(2 * log_beta_next)"),
        ("value of this step", "backward_messages(mdp).values.relative[..., t + 1, :]", "backward_messages(mdp).values.relative[..., t, :]"),
    ),
    *_faults(
        "eq-lottery-threshold", "posterior",
        ("risk-neutral", "chance = np.exp(sure - gain) * np.expm1(-sure) / np.expm1(-gain)", "chance = sure / gain"),
        ("no temperature", "gain, sure = gap / temperature, np.clip(safe, 0.0, gap) / temperature", "gain, sure = gap, np.clip(safe, 0.0, gap)"),
        ("losing not counted", "chance = np.exp(sure - gain) * np.expm1(-sure) / np.expm1(-gain)", "chance = np.exp(sure - gain)"),
    ),
    *_faults(
        "eq-policy-occupancy", "policies",
        ("starts anywhere", "state = mdp.for_each(mdp.initial)", "state = mdp.for_each(0 * mdp.initial + 1 / mdp.num_states)"),
        ("policy of step 0", "visits = state[..., None] * pi[..., t, :, :]", "visits = state[..., None] * pi[..., 0, :, :]"),
        ("never moves", "        state = mdp.dynamics.push(visits)\n", "        state = visits.sum(-1)\n"),
    ),
    *_faults(
        "eq-policy-return", "policies",
        ("reward of step 0", "mdp.reward[..., t, :, :] + arriving", "mdp.reward[..., 0, :, :] + arriving"),
        ("in nats", "mdp.reward[..., t, :, :] + arriving", "mdp.reward[..., t, :, :] / mdp.temperature + arriving"),
        ("reward on arrival left out", "if mdp.reward_next is not None:", "if False:"),
        ("terminal value left out", "if mdp.terminal_value is not None:", "if False:"),
    ),
    *_faults(
        "eq-discount-inside", "stationary",
        ("discount outside", "return reward + xp.logaddexp(go_on(v), ending)", "return reward + discount * dynamics.log_expect(v)"),
        ("never ends", "return reward + xp.logaddexp(go_on(v), ending)", "return reward + go_on(v)"),
        ("ends without pay", "return reward + xp.logaddexp(go_on(v), ending)", "return xp.logaddexp(reward + go_on(v), ending)"),
        ("mean instead of log E exp", "return log_go + dynamics.log_expect(v)", "return log_go + dynamics.expect(v)"),
    ),
    *_faults(
        "eq-discount-expected", "stationary",
        ("log E exp instead of the mean", "paid + discount * mdp.dynamics.expect(v)", "paid + discount * mdp.dynamics.log_expect(v)"),
        ("reward discounted as well", "return paid + discount * mdp.dynamics.expect(v)", "return discount * (paid + mdp.dynamics.expect(v))"),
        ("discount inside", "return paid + discount * mdp.dynamics.expect(v)", "return paid + xp.log(discount * xp.exp(mdp.dynamics.expect(v)) + 1 - discount)"),
    ),
    *_faults(
        "eq-stopping-rule", "stationary",
        ("move below the tolerance", "residual <= (1 - c) * tolerance", "residual <= tolerance"),
        ("rule upside down", "residual <= (1 - c) * tolerance", "residual <= c * tolerance"),
    ),
    *_faults(
        "eq-forward-kl", "messages",
        ("the soft policy", 'self.values.relative[..., t + 1, :], "log_expect")', 'self.values.relative[..., t + 1, :], "expect")'),
        ("no action prior", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(q, axis=-1)"),
        ("one step late", 'self.values.relative[..., t + 1, :], "log_expect")', 'self.values.relative[..., t, :], "log_expect")'),
    ),
    *_faults(
        "eq-reverse-kl", "variational",
        ("the exact policy", 'self.values.relative[..., t + 1, :], "expect")', 'self.values.relative[..., t + 1, :], "log_expect")'),
        ("no action prior", "policy = normalise(self.mdp.log_action_prior + q, axis=-1)", "policy = normalise(q, axis=-1)"),
        ("value of the exact reading", 'sweep(mdp, ahead="expect")', 'sweep(mdp, ahead="log_expect")'),
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
    # Several examples that fail in several ways are shown as a group, each line after a bar.
    reasons = re.findall(r"^\S+\.py:\d+: (\w+)$", output, re.MULTILINE)
    reasons += re.findall(r"^\s*\|\s(\w*Error)\b", output, re.MULTILINE)
    if status == 1 and reasons:
        return f"red ({reasons[-1]})"
    return "SURVIVED" if status == 0 else f"BROKEN RUN ({status}): {output[-300:]}"


def run_tests(root: Path, label: str) -> tuple[int, str]:
    """Run the tests marked with ``label`` against the package in ``root``."""
    code = (
        "import sys, pytest\n"
        "from pathlib import Path\n"
        "class Only:\n"
        "    def pytest_collection_modifyitems(self, items):\n"
        f"        items[:] = [i for i in items if any(m.args == ({label!r},)"
        " for m in i.iter_markers('equation'))]\n"
        "import cs_infer\n"
        f"assert cs_infer.__file__.startswith({str(root)!r}), cs_infer.__file__\n"
        "options = ['-qx', '-p', 'no:cacheprovider', '-c', '/dev/null', '--rootdir', '.']\n"
        "options += ['-o', 'markers=equation', *sorted(map(str, Path('tests').glob('test_equations*.py')))]\n"
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
