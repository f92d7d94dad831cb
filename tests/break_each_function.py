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
        "eq-elbo", "bound",
        ("divergence added", "return self.reward - self.policy_divergence -", "return self.reward + self.policy_divergence -"),
        ("divergence counted twice", "return self.reward - self.policy_divergence -", "return self.reward - 2 * self.policy_divergence -"),
        ("terminal value forgotten", "reward = reward + mean(state, mdp.log_terminal)", "reward = reward + 0 * mean(state, mdp.log_terminal)"),
        ("dynamics for nothing", "self.policy_divergence - self.dynamics_divergence", "self.policy_divergence"),
    ),
    *_faults(
        "eq-family", "bound",
        ("starts anywhere", "        return mdp.initial\n", "        return namespace(mdp.initial).full_like(mdp.initial, 1 / mdp.num_states)\n"),
        ("stands still", "state = q.push(visits)", "state = visits.sum(axis=-1)"),
        ("policy of the first step", "pi_t = pi[..., t, :, :]", "pi_t = pi[..., 0, :, :]"),
        ("prior for the policy", "visits = state[..., None] * pi_t", "visits = state[..., None] * mdp.action_prior"),
    ),
    *_faults(
        "eq-elbo-terms", "bound",
        ("entropy for divergence", "relative_entropy(pi_t, mdp.log_action_prior)", "relative_entropy(pi_t, 0 * pi_t)"),
        ("uniform prior", "relative_entropy(pi_t, mdp.log_action_prior)", "relative_entropy(pi_t, 0 * pi_t - math.log(mdp.num_actions))"),
        ("reward of arrival forgotten", "return (reward if true.gain is None else reward + true.mean_gain), None", "return reward, None"),
        ("in units of reward", "reward = reward + mean(visits, paid, (-2, -1))", "reward = reward + mdp.temperature * mean(visits, paid, (-2, -1))"),
    ),
    *_faults(
        "eq-free-family", "bound",
        ("the other divergence", "relative_entropy(q.probability, safe_log(true.probability))", "relative_entropy(true.probability, safe_log(q.probability))"),
        ("first state for nothing", "0.0, 0.0, relative_entropy(state, mdp.log_initial)", "0.0, 0.0, 0.0 * state[..., 0]"),
        ("divergence under the true dynamics", "state = q.push(visits)", "state = mdp.dynamics.push(visits)"),
        ("arrival paid under the true dynamics", "reward = reward + mean(q.probability, true.gain)", "reward = reward + true.mean_gain"),
    ),
    *_faults(
        "eq-evidence-decomposition", "bound",
        ("no share of the first state", "return self.policy + self.luck + self.initial", "return self.policy + self.luck"),
        ("no share of luck", "return self.policy + self.luck + self.initial", "return self.policy + self.initial"),
        ("sign", "return self.policy + self.luck + self.initial", "return -(self.policy + self.luck + self.initial)"),
    ),
    *_faults(
        "eq-gap-split", "bound",
        ("from the prior", "log_posterior = mdp.log_action_prior + messages.advantage[..., t, :, :]", "log_posterior = mdp.log_action_prior"),
        ("prior left out", "log_posterior = mdp.log_action_prior + messages.advantage[..., t, :, :]", "log_posterior = messages.advantage[..., t, :, :]"),
        ("luck of the first step", "gaps[..., t, :, :]", "gaps[..., 0, :, :]"),
        ("evidence forgotten", "start = log_evidence - messages.log_beta_s[..., 0, :]", "start = 0.0 - messages.log_beta_s[..., 0, :]"),
    ),
    *_faults(
        "eq-bound-step", "soft_policy",
        ("prior left out", "return normalise(prior + Q / mdp.temperature, axis=-1)", "return normalise(Q / mdp.temperature, axis=-1)"),
        ("temperature left out", "return normalise(prior + Q / mdp.temperature, axis=-1)", "return normalise(prior + Q, axis=-1)"),
        ("over states", "return normalise(prior + Q / mdp.temperature, axis=-1)", "return normalise(prior + Q / mdp.temperature, axis=-2)"),
    ),
    *_faults(
        "eq-soft-policy-values", "evaluation",
        ("divergence added", "v = mean(policy, q) - relative_entropy(policy, log_prior)", "v = mean(policy, q) + relative_entropy(policy, log_prior)"),
        ("no divergence", "v = mean(policy, q) - relative_entropy(policy, log_prior)", "v = mean(policy, q)"),
        ("exact look ahead", 'q = action_values(mdp, t, v_next, "expect")', 'q = action_values(mdp, t, v_next, "log_expect")'),
        ("no discount", "-discount * moves)", "-moves)"),
    ),
    *_faults(
        "eq-soft-suboptimality", "evaluation",
        ("divergence twice", "v = mean(policy, q) - relative_entropy(policy, log_prior)", "v = mean(policy, q) - 2 * relative_entropy(policy, log_prior)"),
        ("exact look ahead", 'q = action_values(mdp, t, v_next, "expect")', 'q = action_values(mdp, t, v_next, "log_expect")'),
        ("policy of the first step", "return expected(policy[..., t, :, :], q, mdp.log_action_prior)", "return expected(policy[..., 0, :, :], q, mdp.log_action_prior)"),
    ),
    *_faults(
        "eq-soft-improvement", "evaluation",
        ("prior left out", '"""``rho exp(q)``, normalised."""\n        return normalise(self.log_prior + q, axis=-1)', '"""``rho exp(q)``, normalised."""\n        return normalise(q, axis=-1)'),
        ("half a step", '"""``rho exp(q)``, normalised."""\n        return normalise(self.log_prior + q, axis=-1)', '"""``rho exp(q)``, normalised."""\n        return normalise(self.log_prior + 0.5 * q, axis=-1)'),
        ("with a discount, prior left out", "policy, xp = normalise(self.log_prior + q, axis=-1), namespace(q)", "policy, xp = normalise(q + 0 * self.prior, axis=-1), namespace(q)"),
        ("no divergence", "v = mean(policy, q) - relative_entropy(policy, log_prior)", "v = mean(policy, q)"),
    ),
    *_faults(
        "eq-regularised-return", "returns",
        ("divergence added", "entropy, reward - alpha * divergence)", "entropy, reward + alpha * divergence)"),
        ("temperature left out", "entropy, reward - alpha * divergence)", "entropy, reward - divergence)"),
        ("reward in nats", "reward = alpha * bound_terms(mdp, policy).reward", "reward = bound_terms(mdp, policy).reward"),
        ("entropy for divergence", "relative_entropy(pi, here.log_prior)", "relative_entropy(pi, xp.zeros_like(pi))"),
    ),
    *_faults(
        "eq-max-entropy", "returns",
        ("sign of the entropy", "surprise = 0.0 - relative_entropy(", "surprise = 0.0 + relative_entropy("),
        ("temperature left out", "entropy, reward - alpha * divergence)", "entropy, reward - divergence)"),
        ("constant left out", "relative_entropy(pi, here.log_prior)", "relative_entropy(pi, xp.zeros_like(pi))"),
    ),
    *_faults(
        "eq-frontier", "returns",
        ("reward in nats", "reward = alpha * bound_terms(mdp, policy).reward", "reward = bound_terms(mdp, policy).reward"),
        ("entropy for divergence", "relative_entropy(pi, here.log_prior)", "relative_entropy(pi, xp.zeros_like(pi))"),
        ("temperature left out", "entropy, reward - alpha * divergence)", "entropy, reward - divergence)"),
    ),
    *_faults(
        "eq-discounted-occupancy", "returns",
        ("not normalised", "state = (1 - discount) * xp.linalg.solve(", "state = xp.linalg.solve("),
        ("backwards", "matrix = discounted_matrix(mdp, pi, discount).swapaxes(-1, -2)", "matrix = discounted_matrix(mdp, pi, discount)"),
        ("no weight in the return", "pi, weight = stationary_policy(mdp, policy), 1 / (1 - discount)", "pi, weight = stationary_policy(mdp, policy), 1.0"),
        ("the prior walks", "return state[..., None] * pi\n", "return state[..., None] * mdp.action_prior\n"),
    ),
    *_faults(
        "eq-soft-contraction", "stationary",
        ("no discount", "return paid + discount * mdp.dynamics.expect(v) if discount > 0 else paid", "return paid + 0.5 * mdp.dynamics.expect(v)"),
        ("prior left out", "return logsumexp(mdp.log_action_prior + q_of(v), axis=-1) if new is None else new", "return logsumexp(q_of(v), axis=-1) if new is None else new"),
        ("discount twice on lists", "lists.step(discount * v, weight, exact=False)", "lists.step(discount**2 * v, weight, exact=False)"),
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
        "eq-stopping-rule", "fixed_points",
        ("move below the tolerance", "residuals[-1] <= (1 - c) * tolerance", "residuals[-1] <= tolerance"),
        ("rule upside down", "residuals[-1] <= (1 - c) * tolerance", "residuals[-1] <= c * tolerance"),
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
    *_faults(
        "eq-kl-control", "linear_control/linearly_solvable",
        ("no passive dynamics", "return normalise(self.log_passive + log_z_next[..., None, :], axis=-1)", "return normalise(0 * self.passive + log_z_next[..., None, :], axis=-1)"),
        ("the passive dynamics", "return normalise(self.log_passive + log_z_next[..., None, :], axis=-1)", "return normalise(self.log_passive + 0 * log_z_next[..., None, :], axis=-1)"),
        ("the way back", "return normalise(self.log_passive + log_z_next[..., None, :], axis=-1)", "return normalise(self.log_passive.T + log_z_next[..., None, :], axis=-1)"),
        ("temperature divides twice", "return normalise(self.log_passive + log_z_next[..., None, :], axis=-1)", "return normalise(self.log_passive + log_z_next[..., None, :] / self.temperature, axis=-1)"),
    ),
    *_faults(
        "eq-desirability-horizon", "linear_control/desirability",
        ("one step too few", "for _ in range(T):", "for _ in range(T - 1):"),
        ("no terminal value", "rows = [last / problem.temperature]", "rows = [0 * last]"),
        ("no temperature at the end", "rows = [last / problem.temperature]", "rows = [last]"),
        ("forwards", "log_z = xp.stack(rows[::-1])", "log_z = xp.stack(rows)"),
        ("V in nats", "return Desirability(log_z, problem.temperature * log_z, policy, residual)", "return Desirability(log_z, log_z, policy, residual)"),
    ),
    *_faults(
        "eq-desirability-horizon", "linear_control/linearly_solvable",
        ("no reward", "return self.reward / self.temperature + ahead", "return ahead"),
        ("no temperature", "return self.reward / self.temperature + ahead", "return self.reward + ahead"),
        ("the way back", "ahead = logsumexp(self.log_passive + log_z_next[..., None, :], axis=-1)", "ahead = logsumexp(self.log_passive.T + log_z_next[..., None, :], axis=-1)"),
    ),
    *_faults(
        "eq-control-is-conditioning", "linear_control/desirability",
        ("desirability of now, not of next", "return _solved(problem, log_z[:-1], log_z[1:])", "return _solved(problem, log_z[:-1], log_z[:-1])"),
        ("the first step's policy throughout", "return _solved(problem, log_z[:-1], log_z[1:])", "return _solved(problem, log_z[:-1], xp.broadcast_to(log_z[1], log_z[1:].shape))"),
        ("no terminal value", "rows = [last / problem.temperature]", "rows = [0 * last]"),
    ),
    *_faults(
        "eq-desirability-exit", "linear_control/desirability",
        ("exits are free", "leave = xp.exp(xp.clip(scaled - top, None, 0.0))", "leave = xp.exp(zero - top)"),
        ("no temperature", "scaled = problem.reward / problem.temperature\n", "scaled = problem.reward\n"),
        ("walks on after the exit", "weight = xp.where(at_exit, zero, gain)[:, None] * problem.passive", "weight = gain[:, None] * problem.passive"),
        ("exits have a policy", "return found._replace(policy=found.policy * inside[:, None])", "return found"),
    ),
    *_faults(
        "eq-desirability-discounted", "linear_control/desirability",
        ("another discount", "problem.as_tabular(1), discount=discount,", "problem.as_tabular(1), discount=0.8,"),
        ("values for nats", "return Desirability(found.V / alpha, found.V,", "return Desirability(found.V, found.V,"),
    ),
    *_faults(
        "eq-desirability-discounted", "linear_control/linearly_solvable",
        ("uniform passive dynamics", "action_prior=self.passive,", "action_prior=None,"),
        ("reward of the next state", "reward=xp.broadcast_to(self.reward[:, None], (S, S))", "reward=xp.broadcast_to(self.reward[None, :], (S, S))"),
    ),
    *_faults(
        "eq-desirability-average", "linear_control/desirability",
        ("stops at once", "if gap <= tolerance:", "if True:"),
        ("in nats", "plain(problem.temperature * (low + high) / 2, v)", "plain((low + high) / 2, v)"),
        ("logarithm of the eigenvalue missing half", "plain(problem.temperature * (low + high) / 2, v)", "plain(problem.temperature * (low + high) / 4, v)"),
    ),
    *_faults(
        "eq-embedding", "linear_control/embedding",
        ("no entropy", "target = np.where(counts, reward, 0.0) + _sum_p_log_p(P)", "target = np.where(counts, reward, 0.0)"),
        ("sign of the entropy", "target = np.where(counts, reward, 0.0) + _sum_p_log_p(P)", "target = np.where(counts, reward, 0.0) - _sum_p_log_p(P)"),
        ("no temperature", "np.exp(log_weight - log_rate[:, None]), mdp.temperature * log_rate, mdp.temperature", "np.exp(log_weight - log_rate[:, None]), log_rate, mdp.temperature"),
        ("no state reward", "np.exp(log_weight - log_rate[:, None]), mdp.temperature * log_rate, mdp.temperature", "np.exp(log_weight - log_rate[:, None]), 0 * log_rate, mdp.temperature"),
        ("mismatch in nats", "return Embedding(problem, mdp.temperature * gap)", "return Embedding(problem, gap)"),
    ),
    *_faults(
        "eq-z-learning", "linear_control/passive_learning",
        ("no reward", "np.log(rate) + reward[s] + log_z", "np.log(rate) + log_z"),
        ("logarithms averaged", "log_z[runs, s] = np.logaddexp(safe_log(1 - rate) + log_z[runs, s], target)", "log_z[runs, s] += rate * (target - np.log(rate) - log_z[runs, s])"),
        ("constant rate", "rate = c / (c + visits[runs, s])\n", "rate = 0.5\n"),
        ("counts from 1", "rate = c / (c + visits[runs, s])\n", "rate = c / (c + 1 + visits[runs, s])\n"),
        ("exits not known", "first = np.where(out, problem.reward / problem.temperature, 0.0)", "first = 0.0 * problem.reward"),
    ),
    *_faults(
        "eq-soft-q-passive", "linear_control/passive_learning",
        ("uniform passive dynamics", "log_z[runs, s] = log_expect(p, q[runs, s])", "log_z[runs, s] = log_expect(np.full((len(runs), q.shape[-1]), 1 / q.shape[-1]), q[runs, s])"),
        ("maximum", "log_z[runs, s] = log_expect(p, q[runs, s])", "log_z[runs, s] = np.where(p > 0, q[runs, s], -np.inf).max(axis=1)"),
        ("always known", 'p = problem.passive[s] if passive == "known" else', "p = problem.passive[s] if passive else"),
        ("reward of the next state", "s_next], reward[s] + log_z", "s_next], reward[s_next] + log_z"),
    ),
    *_faults(
        "eq-path-temperature", "linear_control/path_integral",
        ("standard deviation for variance", "return self.control_cost * self.noise**2", "return self.control_cost * self.noise"),
        ("cost divides", "return self.control_cost * self.noise**2", "return self.noise**2 / self.control_cost"),
    ),
    *_faults(
        "eq-path-backward", "linear_control/path_integral",
        ("noise of a whole unit of time", "np.diff(grid), self.noise * math.sqrt(self.step)", "np.diff(grid), self.noise"),
        ("no terminal reward", "np.asarray(self.terminal(x) if at_end else", "np.asarray(0.0 * x if at_end else"),
        ("reward not times h", "else self.step * self.reward(t, x)", "else self.reward(t, x)"),
        ("no temperature", "return paid / self.temperature", "return paid"),
        ("reward of the step before", "log_z[t] = problem.scaled_reward(t, grid) + logsumexp", "log_z[t] = problem.scaled_reward(max(t - 1, 0), grid) + logsumexp"),
    ),
    *_faults(
        "eq-path-control", "linear_control/path_integral",
        ("a displacement, not a speed", "(chosen @ grid - grid * there) / problem.step", "(chosen @ grid - grid * there)"),
        ("a place", "(chosen @ grid - grid * there) / problem.step", "(chosen @ grid) / problem.step"),
        ("desirability of now", "chosen = normalise(log_p + log_z[t + 1])", "chosen = normalise(log_p + log_z[t])"),
    ),
    *_faults(
        "eq-path-weights", "linear_control/path_sampling",
        ("forgets the steering", "- u * moved / sigma**2 - u**2 * h / (2 * sigma**2)", ""),
        ("forgets the square", "- u**2 * h / (2 * sigma**2)", ""),
        ("sign of the square", "- u**2 * h / (2 * sigma**2)", "+ u**2 * h / (2 * sigma**2)"),
        ("no terminal reward", "log_w += problem.scaled_reward(problem.horizon, places[-1])", "pass"),
        ("mean of logarithms", "log_z, ess = log_expect(np.full(N, 1 / N), log_w), effective", "log_z, ess = log_w.mean(), effective"),
    ),
    *_faults(
        "eq-effective-sample-size", "linear_control/path_sampling",
        ("sum of squares", "return 1 / total if total > 0 else 0.0", "return total"),
        ("not normalised", "    w = normalise(log_w)\n", "    w = np.exp(np.clip(log_w, -9, 9))\n"),
        ("entropy", "total = float(np.sum(w**2))", "total = float(np.exp(np.sum(w * np.log(np.maximum(w, 1e-300)))))"),
    ),
    *_faults(
        "eq-reward-weighted", "other_divergence/reweighting",
        ("no return in the weights", "    w = normalise(log_w)\n", "    w = normalise(0 * log_w)\n"),
        ("first step for every step", "(np.arange(mdp.horizon), s, a), w", "(0 * np.arange(mdp.horizon), s, a), w"),
        ("another sample size", "float(1 / np.sum(w**2))", "float(np.sum(w) / np.max(w))"),
        ("uniform where nothing came", "policy = _normalised_or(passed, mdp.action_prior)", "policy = _normalised_or(passed, np.full_like(passed, 1 / mdp.num_actions))"),
    ),
    *_faults(
        "eq-em-evidence", "other_divergence/reweighting",
        ("the first prior again", "habit = _with_prior(mdp, policies[-1])", "habit = _with_prior(mdp, policies[0])"),
        ("variational step", 'solution = exact if reading == "exact" else soft_values(habit)', "solution = soft_values(habit)"),
        ("evidence of the first prior", "evidence.append(exact.log_evidence)", "evidence.append(backward_messages(mdp).log_evidence)"),
        ("no temperature in the change of prior", "extra = mdp.temperature * xp.where", "extra = xp.where"),
    ),
    *_faults(
        "eq-em-limit", "other_divergence/reweighting",
        ("the first prior again", "habit = _with_prior(mdp, policies[-1])", "habit = _with_prior(mdp, policies[0])"),
        ("variational step", 'solution = exact if reading == "exact" else soft_values(habit)', "solution = soft_values(habit)"),
        ("no temperature in the change of prior", "extra = mdp.temperature * xp.where", "extra = xp.where"),
    ),
    *_faults(
        "eq-prior-temperature", "other_divergence/reweighting",
        ("exact step", 'solution = exact if reading == "exact" else soft_values(habit)', "solution = exact"),
        ("the first prior again", "habit = _with_prior(mdp, policies[-1])", "habit = _with_prior(mdp, policies[0])"),
        ("policy times prior", "finite_or_zero(mdp.log_action_prior)[..., None, :, :]", "0 * finite_or_zero(mdp.log_action_prior)[..., None, :, :]"),
        ("no temperature in the change of prior", "extra = mdp.temperature * xp.where", "extra = xp.where"),
    ),
    *_faults(
        "eq-prior-rate", "other_divergence/reweighting",
        ("exact step", 'solution = exact if reading == "exact" else soft_values(habit)', "solution = exact"),
        ("the first prior again", "habit = _with_prior(mdp, policies[-1])", "habit = _with_prior(mdp, policies[0])"),
        ("return of the prior", "returns = [policy_return(mdp, pi) for pi in policies]", "returns = [policy_return(mdp, policies[0]) for pi in policies]"),
    ),
    *_faults(
        "eq-reps", "other_divergence/entropy_search",
        ("always sampled", "rows = rows_of(mdp, d_0, discount, sampled)\n    x = cooled", "rows = rows_of(mdp, d_0, discount, True)\n    x = cooled"),
        ("twice the bound", "x = cooled(rows, divergence)", "divergence = 2 * divergence\n    x = cooled(rows, divergence)"),
        ("weighed without values", "scaled, log_z, d = rows.weighed(V, temperature)\n", "scaled, log_z, d = rows.weighed(0 * V, temperature)\n"),
    ),
    *_faults(
        "eq-reps", "other_divergence/occupancy_dual",
        ("no discount in the flow", "flow = discount * moves - np.eye(S)[state]", "flow = moves - np.eye(S)[state]"),
        ("starts anywhere", "start = (1 - discount) * mdp.initial\n    return Rows", "start = (1 - discount) * np.ones(S) / S\n    return Rows"),
        ("no reward on arrival", "reward = reward + np.sum(moves * arriving, axis=1)", "reward = reward + 0.0"),
    ),
    *_faults(
        "eq-reps-dual", "other_divergence/entropy_search",
        ("no bound", "return rows.curve(np.append(values, temperature), divergence).value", "return rows.curve(np.append(values, temperature), 0.0).value"),
        ("no values", "return rows.curve(np.append(values, temperature), divergence).value", "return rows.curve(np.append(0 * values, temperature), divergence).value"),
        ("always sampled", "rows = rows_of(mdp, d_0, discount, sampled)\n    return", "rows = rows_of(mdp, d_0, discount, True)\n    return"),
        ("values not shifted", "V + temperature * log_z / (1 - discount), 0.0)", "V + 1.0, 0.0)"),
    ),
    *_faults(
        "eq-reps-bias", "other_divergence/entropy_search",
        ("never sampled", "rows = rows_of(mdp, d_0, discount, sampled)\n    return", "rows = rows_of(mdp, d_0, discount, False)\n    return"),
    ),
    *_faults(
        "eq-reps-bias", "other_divergence/occupancy_dual",
        ("next states alike", "weight = weight[pair] * moves[pair, successor]", "weight = weight[pair] * (moves > 0).mean()"),
        ("no discount in the flow", "flow = discount * moves - np.eye(S)[state]", "flow = moves - np.eye(S)[state]"),
    ),
    *_faults(
        "eq-causal-entropy", "other_divergence/feature_matching",
        ("exact policy", "policy = soft_values(replace(plain, reward=phi @ found.x)).policy", "from cs_infer.messages import backward_messages\n    policy = backward_messages(replace(plain, reward=phi @ found.x)).policy"),
        ("temperature kept", "temperature=1.0, reward_next", "temperature=mdp.temperature, reward_next"),
        ("sign", "float(soft.value - theta @ wanted)", "float(soft.value + theta @ wanted)"),
        ("features of the first step", "to_go = phi[t] +", "to_go = phi[0] +"),
    ),
    *_faults(
        "eq-adaptive-policy", "bellman_error",
        ("no action prior", "return normalise(mdp.log_action_prior + scaled)", "return normalise(scaled)"),
        ("multiplied by the temperature", "short / xp.where(cold, xp.ones_like(heat), heat)", "short * heat"),
        ("best of what is forbidden too", "short = Q - xp.max(best, axis=-1, keepdims=True)", "short = Q - xp.max(Q, axis=-1, keepdims=True) - 1"),
        ("the prior at zero", "left = xp.where(short < 0, xp.full_like(Q, -math.inf), xp.zeros_like(Q))", "left = xp.zeros_like(Q)"),
    ),
    *_faults(
        "eq-adaptive-temperature", "bellman_error",
        ("not divided by p", "return self.c / self.p * total", "return self.c * total"),
        ("no c", "return self.c / self.p * total", "return total / self.p"),
        ("a root of the sum", "return self.c / self.p * total", "return self.c / self.p * total ** (1 / self.p)"),
        ("actions alike", "return rho / self.mdp.num_states", "return (rho > 0) / (rho > 0).sum()"),
        ("no discount", "self.paid + self.discount * ahead", "self.paid + ahead"),
        ("reward on the next state forgotten", "expected_reward(mdp)[..., 0, :, :]", "mdp.reward[..., 0, :, :]"),
        ("an upper bound for the solution", "low, high = self._first_crossing(Q, low, high)", "low = high"),
        ("the error of the best policy", "V = namespace(Q).sum(policy * Q, axis=-1)", "V = namespace(Q).max(Q, axis=-1)"),
    ),
    *_faults(
        "eq-temperature-bounds", "bellman_error",
        ("furthest for nearest", "low = xp.maximum(low, self.error(_nearest(most, least)))", "low = xp.maximum(low, self.error(furthest))"),
        ("the interval never narrows", "high = xp.maximum(low, xp.minimum(high, self.error(furthest)))", "high = xp.maximum(low, 1e6 + self.error(furthest))"),
        ("crossing zero forgotten", "return xp.where((most > 0) & (least < 0), xp.zeros_like(most), smaller)", "return smaller"),
        ("larger for smaller", "smaller = xp.minimum(xp.abs(most), xp.abs(least))", "smaller = xp.maximum(xp.abs(most), xp.abs(least))"),
    ),
    *_faults(
        "eq-virel-step", "cooling",
        ("learns with the prior", "target = critic.backup(Q, policy)", "target = critic.backup(Q, mdp.action_prior)"),
        ("no learning rate", "Q = target if rate == 1 else Q + rate * (target - Q)", "Q = target"),
        ("acts at the problem's temperature", "policy = boltzmann(mdp, Q, epsilon)", "policy = boltzmann(mdp, Q, 0 * epsilon + mdp.temperature)"),
        ("never learns", "Q = target if rate == 1 else Q + rate * (target - Q)", "Q = 1.0 * Q"),
    ),
    *_faults(
        "eq-virel-error", "cooling",
        ("stops when the residual is the tolerance", "if step.residual <= (1 - discount) * tolerance:", "if step.residual <= tolerance:"),
        ("stops at once", "if step.residual <= (1 - discount) * tolerance:", "if True:"),
    ),
    *_faults(
        "eq-virel-error", "bellman_error",
        ("entropy in the backup", "V = namespace(Q).sum(policy * Q, axis=-1)", "V = namespace(Q).sum(policy * Q, axis=-1) + 0.1"),
    ),
    *_faults(
        "eq-virel-objective", "actor",
        ("temperature multiplies", "scaled = Q / heat[..., None, None]", "scaled = Q * heat[..., None, None]"),
        ("sign of the divergence", "return self.energy - self.divergence", "return self.energy + self.divergence"),
        ("entropy for divergence", "log_pi - safe_log(mdp.action_prior))", "log_pi)"),
        ("states alike", "d = shaped(\"state_weights\", weights, (mdp.num_states,), mdp.initial)", "return _checked_states(mdp, None)"),
    ),
    *_faults(
        "eq-virel-gap", "actor",
        ("divergence from the prior", "xp.sum(pi * (ratio - scaled + log_z[..., None]), axis=-1)", "xp.sum(pi * ratio, axis=-1)"),
        ("no prior in the normaliser", "log_z = logsumexp(mdp.log_action_prior + scaled, axis=-1)", "log_z = logsumexp(scaled, axis=-1)"),
        ("normaliser forgotten", "(ratio - scaled + log_z[..., None])", "(ratio - scaled)"),
    ),
    *_faults(
        "eq-actor-gradient", "actor",
        ("no prior in the price", "log_pi - safe_log(mdp.action_prior))", "log_pi)"),
        ("score without its mean", "score = _one_hot(Q) - pi[..., None, :]", "score = _one_hot(Q) - 0 * pi[..., None, :]"),
        ("no price", "signal = Q - heat[..., None, None] * _log_ratio(pi, mdp)", "signal = Q + 0 * heat[..., None, None]"),
        ("second moment for variance", "return ActorGradient(mean, square - xp.sum(mean**2, axis=-1))", "return ActorGradient(mean, square)"),
        ("the mean as the best baseline", "baseline = xp.sum(pi * size * signal, axis=-1) / xp.where(whole > 0, whole, 1.0)", "baseline = xp.sum(pi * signal, axis=-1)"),
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
