# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 4: derive and compute the bound
#
# Chapter 3 handed you a cautious recursion and did not say where it comes from. It comes from a
# bound. No policy that has to live with the true dynamics reaches $\log p(\mathcal{O}_{1:T} = 1)$,
# wherever luck matters. But every such policy gives a lower bound of it, the bound can be computed,
# and so can the gap, exactly. The best policy is the one with the highest bound. Here you compute
# the bound, take the gap apart, derive a best policy on paper, and find one without a horizon:
#
# | problem | what to do | points |
# |---|---|---|
# | 1 | `elbo`: the bound of a policy, with every constant | 30 |
# | 2 | `kl_gap`: what is missing, and whose fault that is | 25 |
# | 3 | in words: one step, two prices | 15 |
# | 4 | `soft_vi`: the best policy, with a discount, to a stated accuracy | 30 |
#
# It takes 90 minutes to two hours. You need chapter 4, "The variational bound", and from chapters 2
# and 3 the messages and the two backups. After this assignment you can take a formula for the
# bound out of any paper, and say by a number which constant it lost.
#
# ## How this notebook works
#
# It works like assignments 1 to 3. New is problem 3, which you answer in words.
#
# - **Write in the cells that say `YOUR CODE HERE`** or `YOUR ANSWER HERE`. Later cells can use
#   what you define there. Cells you add are run too, where you put them.
# - **The cell below each function checks it**, on new random inputs every time, as often as you
#   like. The grade uses the same properties, on other inputs. `check("elbo", elbo, seed=1234)`
#   repeats the inputs of a seed, and `check(...).inputs` are the first inputs on which your
#   function fails. Each property gives its points separately. A person reads problem 3.
# - **Each problem gets inputs of its own.** A mistake in problem 1 costs nothing in problem 4.
# - **numpy and the standard library are enough.** Torch works as well. Arrays, nested lists and
#   tensors are all accepted as answers, in 32 or 64 bits.
# - **The modules of `cs_infer` that hold the answers cannot be imported in the graded cells**:
#   `cs_infer.bound`, `cs_infer.variational`, `cs_infer.stationary`, `cs_infer.messages`, and others
#   beside them. The check warns you where your function uses one. To compare your results with
#   the library afterwards, in cells of your own, is a good idea; such cells cost nothing.
# - **Each call has 5 seconds.** All inputs are small: at most 6 states, 4 actions and 6 steps.
#   That is still up to 24 to the power of 6 trajectories, so to list them all takes too long.
#   In the notebook `check` waits for ever: if it does not come back, interrupt the kernel, and
#   look at your loop.
#
# Warnings do not matter: a `divide by zero in log` is harmless where the logarithm of zero is
# what you want, and that is `-inf`.

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% [markdown]
# ## The example
#
# It is the monkey of the earlier assignments. The **states** are 0, the ground, and 1, the tree.
# The **actions** are 0, rest, and 1, move. Arrays count from 0; in formulas the steps count from
# 1, so step 1 is row 0.
#
# | symbol | array | shape | meaning |
# |---|---|---|---|
# | $\mu_0(s)$ | `mu0[s]` | (S,) | probability to start in s |
# | $\rho(a \mid s)$ | `rho[s, a]` | (S, A) | action prior; where it is 0, a is *forbidden* in s |
# | $P(s' \mid s, a)$ | `P[s, a, s2]` | (S, A, S) | probability that a in s leads to s′ |
# | $r_t(s, a)$ | `R` | (S, A) or (T, S, A) | the reward, the same at every step, or one for each |
# | $\pi_t(a \mid s)$ | `policy[t, s, a]` | (T, S, A) | a policy; T is its length |
# | $\alpha$ | `alpha` | a number | the temperature, from 0.05 to 20 |
#
# `mu0`, each row `rho[s]`, `P[s, a]` and `policy[t, s]` sum to one, and may hold zeros. A reward
# of `-inf` means "never optimal". Rewards are in units of reward, and $r / \alpha$ is in **nats**:
# $p(\mathcal{O}_t = 1 \mid s_t, a_t) = e^{r_t(s_t, a_t) / \alpha}$. The given function
# `reward_at(R, t)` looks up the rewards of a step, whichever of the two shapes `R` has.
#
# A climb succeeds three times out of four; everything else is certain. For two steps and $\alpha =
# 1$, the messages and the policy $p(a_t \mid s_t, \mathcal{O}_{1:T} = 1)$ are those you computed in
# assignment 2. All goes well with probability 47/256.

# %% given="example"
mu0 = np.array([1.0, 0.0])
rho = np.array([[1 / 2, 1 / 2], [2 / 3, 1 / 3]])
P = np.array(
    [
        [[1.0, 0.0], [1 / 4, 3 / 4]],  # from the ground: rest, move
        [[0.0, 1.0], [1.0, 0.0]],  # from the tree: rest, move
    ]
)
R = np.log([[1 / 2, 1 / 4], [1.0, 1 / 2]])  # so that exp(R) is 1/2, 1/4, 1, 1/2

log_beta_s = np.log([[47 / 256, 89 / 144], [3 / 8, 5 / 6]])  # two steps; ground, tree
told_policy = np.array(
    [
        [[24 / 47, 23 / 47], [80 / 89, 9 / 89]],  # step 1; on the ground, in the tree
        [[2 / 3, 1 / 3], [4 / 5, 1 / 5]],  # step 2
    ]
)
always_rest = np.array([[[1.0, 0.0], [1.0, 0.0]]] * 2)
as_before = np.stack([rho, rho])  # the prior itself, as a policy


def reward_at(R, t):
    """The rewards of step t, counted from 0; shape (S, A)."""
    return R[t] if np.ndim(R) == 3 else R


# %% [markdown]
# ## Problem 1: the bound, with every constant
#
# Let $q$ be what a policy produces when it acts: $q(\tau) = \mu_0(s_1) \prod_t \pi_t(a_t \mid s_t)
# \prod_t P(s_{t+1} \mid s_t, a_t)$, with the true first state and the true dynamics.
#
# **Factor.** Multiply and divide by $q$, then use Jensen's inequality, $\log \mathbb{E}[x] \ge
# \mathbb{E}[\log x]$:
#
# $$\log p(\mathcal{O}_{1:T} = 1) = \log \sum_\tau q(\tau) \frac{p(\tau, \mathcal{O}_{1:T} =
# 1)}{q(\tau)} \;\ge\; \mathbb{E}_q\left[ \log \frac{p(\tau, \mathcal{O}_{1:T} = 1)}{q(\tau)}
# \right]$$
#
# The right side is the **ELBO**, the evidence lower bound. Write the factors of the fraction on
# paper, above and below. Which of them cancel? What is left of the prior?
#
# **Eliminate.** What is left is a sum over the steps. The average over $q$ of a term that knows
# only $s_t$ and $a_t$ needs only $p_\pi(s_t, a_t)$, which you carried from step to step in
# assignment 3.
#
# **By hand.** The monkey that always rests has a single trajectory: ground, rest, ground, rest.
# Then there is nothing to average, and the bound is $\log p(\tau, \mathcal{O})$ of that one
# trajectory: $\log(\tfrac12 \cdot \tfrac12 \cdot \tfrac12 \cdot \tfrac12) = \log \tfrac1{16}$, two
# factors of the prior and two bells. That is below $\log \tfrac{47}{256}$: one trajectory is not
# all of them. The monkey that follows its prior pays no divergence at all. Its bound is its
# expected reward, $-\tfrac{41}{16} \log 2 \approx -1.776$, against $\log \tfrac{47}{256} \approx
# -1.695$.
#
# **Look at the ends.** What does an action cost that the policy never takes? One that the policy
# takes, and that is forbidden or never optimal? And what if that is in a state the agent
# never reaches?
#
# ### What to write
#
# `elbo(P, R, mu0, rho, policy, alpha)` returns one number, in nats.
#
# - Keep every constant: with the best policy and deterministic dynamics and first state, your
#   number must be $\log p(\mathcal{O}_{1:T} = 1)$ itself.
# - Where the policy does the impossible with positive probability, the bound is `-inf`. What
#   happens with probability 0 does not count. (`0 * -np.inf` is NaN.)
# - T is from 1 to 6. Rewards lie between -10,000 and 1,000, or are `-inf`.
# - It must be right to about 4 digits, or 6 where it is in the thousands. An average over sampled
#   trajectories is not as exact as that.


# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    """The evidence lower bound of a policy that keeps the true dynamics.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards, shape (S, A) or (T, S, A); -inf allowed.
        mu0: initial probabilities, shape (S,).
        rho: action prior, shape (S, A).
        policy: pi_t(a | s), shape (T, S, A).
        alpha: the temperature, above 0.

    Returns:
        The bound in nats, a float; -inf if the policy does the impossible.
    """
    ### BEGIN SOLUTION
    total = 0.0
    for t, visited in enumerate(visits(P, mu0, policy)):
        with np.errstate(invalid="ignore"):  # inf - inf, where the policy does not go
            gain = reward_at(R, t) / alpha + safe_log(rho) - safe_log(policy[t])
        total += mean(visited, gain)
    return float(total)


def visits(P, mu0, policy):
    """p(s_t, a_t) of each step, shape (S, A), when the policy acts."""
    state = mu0
    for pi in policy:
        visited = state[:, None] * pi
        yield visited
        state = np.einsum("sa,san->n", visited, P)


def mean(p, x, axis=None):
    """sum p x; what has probability 0 does not count."""
    return np.sum(p * np.where(p > 0, x, 0.0), axis=axis)


def safe_log(p):
    """log p, with log 0 = -inf and no warning."""
    with np.errstate(divide="ignore"):
        return np.log(p)
    ### END SOLUTION


# %% [markdown]
# **Check.** In units of $\log 2$ the two numbers are $-4$ and $-41/16$. Is the bound of
# `told_policy`, the exact agent's, any nearer to $\log \tfrac{47}{256}$? Can you find a policy
# with a higher one?

# %%
# A cell of your own.
elbo(P, R, mu0, rho, always_rest, 1.0) / np.log(2), elbo(P, R, mu0, rho, as_before, 1.0) / np.log(2)

# %% check="elbo" points=30
check("elbo", elbo)

# %% [markdown]
# ## Problem 2: what is missing, and whose fault it is
#
# What the bound lacks is a divergence. For every policy,
#
# $$\log p(\mathcal{O}_{1:T} = 1) = \text{ELBO} + \mathrm{KL}\big(q(\tau) \,\big\|\, p(\tau \mid
# \mathcal{O}_{1:T} = 1)\big).$$
#
# Do not list trajectories to compute it. The posterior is a chain as well: a first state, then in
# turn a policy and dynamics, all of them *believed*. So the divergence of the two chains is a sum
# over their links (the **chain rule** of the divergence), each averaged over where $q$ goes:
#
# | link | $q$ has | the posterior has | share of |
# |---|---|---|---|
# | first state | $\mu_0(s)$ | $p(s_1 \mid \mathcal{O}_{1:T} = 1)$ | luck |
# | action at step t | $\pi_t(a \mid s)$ | $p(a_t \mid s_t, \mathcal{O}_{1:T} = 1)$ | the policy |
# | move after step t | $P(s' \mid s, a)$ | $p(s' \mid s, a, \mathcal{O}_{1:T} = 1)$ | luck |
#
# The policy's share is the agent's to change. Luck's share depends on the policy too, because the
# policy decides which dice are thrown. But no policy can make a given throw luckier.
#
# **By hand.** The monkey that always rests throws no dice, so luck's share is 0. Given that all
# went well, it rested twice with probability $\tfrac{24}{47} \cdot \tfrac23 = \tfrac{16}{47}$. So
# the policy's share is $\log \tfrac{47}{16}$, and indeed $\log \tfrac1{16} + \log \tfrac{47}{16} =
# \log \tfrac{47}{256}$. A climb at step 1 is a throw. It is believed to succeed 20 times in 23, as
# you found in assignment 3, and in truth it does 3 times in 4:
#
# $$\mathrm{KL} = \tfrac14 \log \frac{1/4}{3/23} + \tfrac34 \log \frac{3/4}{20/23} = \tfrac14 \log
# \tfrac{23}{12} + \tfrac34 \log \tfrac{69}{80} \approx 0.0517.$$
#
# A policy pays that as often as it climbs.
#
# **Take logs.** You have $\log \beta_t(s)$, not the believed policy and dynamics. You can form them
# by Bayes' rule. Or insert them into the divergence on paper, see what cancels, and never form
# them: what luck costs at one step is $\log \mathbb{E}_P[e^{v}] - \mathbb{E}_P[v]$ with $v = \log
# \beta_{t+1}$, the optimism gap of chapter 3. This matters where a believed probability is too
# small for floating point. Its logarithm is not.
#
# ### What to write
#
# `kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s)` returns two numbers in nats,
# `(policy_share, luck_share)`. Their sum is the divergence.
#
# - `log_beta_s` has shape (T, S): right answers of assignment 2 for the rewards `R / alpha`. Each
#   row is about success from that step on. After the last step nothing is left to hope for:
#   $\log \beta_{T+1} = 0$.
# - The messages lie between -12,000 and 0, or are `-inf` where success is impossible.
# - A share is `inf` where $q$ does, with positive probability, what the posterior excludes: the
#   *policy's* share for an action from which success is impossible, *luck's* share for a first or
#   next state from which it is. Where one share is `inf`, the other is not looked at, but it may
#   not be NaN. (In a state without hope there is no posterior to compare with: leave it out.)
# - From some first state success is possible. T is from 1 to 6.
# - Both must be right to about 4 digits.


# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    """The divergence of a policy's trajectories from the posterior, in two shares.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards, shape (S, A) or (T, S, A); -inf allowed.
        mu0: initial probabilities, shape (S,).
        rho: action prior, shape (S, A).
        policy: pi_t(a | s), shape (T, S, A).
        alpha: the temperature, above 0.
        log_beta_s: log p(O_{t:T} = 1 | s_t), in nats, shape (T, S).

    Returns:
        policy_share: sum over steps of E_q KL(pi_t || p(a_t | s_t, O)), a float.
        luck_share: the same for first state and dynamics, a float.
    """
    ### BEGIN SOLUTION
    after = [*log_beta_s[1:], np.zeros(len(mu0))]
    policy_share, luck_share = 0.0, price_of_luck(mu0, log_beta_s[0])
    for t, visited in enumerate(visits(P, mu0, policy)):
        log_beta_sa = reward_at(R, t) / alpha + log_mean_exp(P, after[t])
        told = safe_log(rho) + minus(log_beta_sa, log_beta_s[t][:, None])
        policy_share += mean(visited, minus(safe_log(policy[t]), told))
        luck_share += mean(visited, price_of_luck(P, after[t]))
    return float(policy_share), float(luck_share)


def price_of_luck(p, v):
    """KL from p to p exp(v) / E[exp v] over the last axis, which is log E[exp v] - E[v]."""
    return minus(log_mean_exp(p, v), mean(p, v, axis=-1))


def log_mean_exp(p, x):
    """log of sum p exp(x) over the last axis, with -inf where every term is zero."""
    terms = np.where(p > 0, x, -np.inf)
    top = terms.max(axis=-1, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    return safe_log(np.sum(p * np.exp(terms - shift), axis=-1)) + shift[..., 0]


def minus(x, y):
    """x - y, and 0 where both are -inf: nothing is added where nothing can be compared."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(x) & np.isneginf(y), 0.0, x - y)
    ### END SOLUTION


# %% [markdown]
# **Check.** For `always_rest` the shares must be $\log \tfrac{47}{16}$ and 0. For `told_policy` the
# policy's share is 0: it *is* the posterior's policy, and yet there is a gap. Does the sum of bound
# and shares come out the same for all three policies?

# %%
# A cell of your own.
for each in (always_rest, as_before, told_policy):
    shares = kl_gap(P, R, mu0, rho, each, 1.0, log_beta_s)
    print(np.round(shares, 4), elbo(P, R, mu0, rho, each, 1.0) + np.sum(shares), np.log(47 / 256))

# %% check="kl_gap" points=25
check("kl_gap", kl_gap)

# %% [markdown]
# ## Problem 3, in words: one step, two prices
#
# Chapter 4 makes the bound as high as it can be by one idea: solve the best policy's formula for
# $Q$, and put it back. Show that you own the idea, on a problem the chapter does not solve. An
# agent improves its policy in small steps. So it pays twice: $\alpha > 0$ for each nat from its
# prior, and $\eta \ge 0$ for each nat from the policy $\bar\pi$ that it has now. In one state, with
# values $Q(a)$ in units of reward, it keeps
#
# $$J(\pi) = \mathbb{E}_{\pi}[Q] - \alpha\, \mathrm{KL}(\pi \,\|\, \rho) - \eta\, \mathrm{KL}(\pi
# \,\|\, \bar\pi).$$
#
# Let $\rho$ and $\bar\pi$ be positive for every action. Answer in three parts; formulas with a word
# of reason each are enough.
#
# 1. **The step** (7 points). Find $W$ and $\pi^\circ$ such that $J(\pi) = W - (\alpha + \eta)\,
#    \mathrm{KL}(\pi \,\|\, \pi^\circ)$ for *every* $\pi$, and show it. What are $W$ and $\pi^\circ$
#    for $\eta = 0$, and what happens as $\eta \to \infty$?
# 2. **Backwards** (4 points). Now T steps, with both prices at each. Why may the last step be
#    maximised first, though earlier choices decide how often a state is visited? What is
#    $Q_t(s, a)$ then, and why is it an average over next states and no soft maximum?
# 3. **Another family** (4 points). Let $\eta = 0$, and let $q$ choose the dynamics as well: a move
#    costs $\alpha\, \mathrm{KL}(q(\cdot \mid s, a) \,\|\, P(\cdot \mid s, a))$. Which value do the
#    next states get now, which dynamics are the best, and which share of the gap is gone?
#
# Numbers are a test of part 1, in a cell of your own. Let $Q = \log \tfrac12, \log \tfrac14$, the
# prior one half each, $\bar\pi = (\tfrac13, \tfrac23)$ and $\alpha = \eta = 1$. Then $\pi^\circ =
# (\tfrac12, \tfrac12)$ and $W = \log \tfrac13$. Always to take the first action keeps $J = \log
# \tfrac1{12}$.

# %% [markdown] written="two_prices" points=15
# **1.** Write $\kappa = \alpha + \eta$. Collect what does not depend on $\pi$ under one logarithm:
# $J(\pi) = \mathbb{E}_\pi[Q + \alpha \log \rho + \eta \log \bar\pi - \kappa \log \pi]$. Let $W =
# \kappa \log \sum_a \rho(a)^{\alpha/\kappa}\, \bar\pi(a)^{\eta/\kappa}\, e^{Q(a)/\kappa}$ and
# $\pi^\circ(a) = \rho(a)^{\alpha/\kappa}\, \bar\pi(a)^{\eta/\kappa}\, e^{(Q(a) - W)/\kappa}$, which
# sums to one. Then $Q + \alpha \log \rho + \eta \log \bar\pi = W + \kappa \log \pi^\circ$, and so
# $J(\pi) = W - \kappa\, \mathrm{KL}(\pi \,\|\, \pi^\circ)$. For $\eta = 0$ these are the soft
# maximum $V$ and the soft policy. As $\eta \to \infty$, $\pi^\circ \to \bar\pi$ and $W \to
# J(\bar\pi) = \mathbb{E}_{\bar\pi}[Q] - \alpha\, \mathrm{KL}(\bar\pi \,\|\, \rho)$: the policy does
# not move.
#
# **2.** How often a state is visited at the last step is a weight, never negative, in front of what
# is kept there. What is kept in a state depends on the policy in that state alone. So whatever the
# weights, the best choice in each state is that of part 1, which keeps $W_T(s)$. Put in, it leaves
# the same problem with one step less and $Q_t(s, a) = r_t(s, a) + \mathbb{E}_{s' \sim
# P}[W_{t+1}(s')]$. It is an average because $q$ moves by the true $P$: the next state is not
# chosen, so there is nothing to maximise over.
#
# **3.** A move is now a choice with the price $\alpha$ and the prior $P$. By part 1 (with $\eta =
# 0$) it is worth $\alpha \log \mathbb{E}_P[e^{V_{t+1}/\alpha}]$, at $P(s' \mid s, a)\,
# e^{V_{t+1}(s')/\alpha}$ divided by its sum. That is the exact backup, with the posterior dynamics.
# Luck's share of the moves is gone: $q$ buys what the posterior believes in. If the first state may
# be chosen too, the whole gap is gone.

# %% [markdown]
# ## Problem 4: the best policy, without a horizon
#
# With a discount $0 \le \gamma < 1$ in the place of a horizon, the best policy no longer depends on
# the step. Its values solve
#
# $$\begin{aligned}
# Q(s, a) &= r(s, a) + \gamma\, \mathbb{E}_{s' \sim P(\cdot \mid s, a)}\big[V(s')\big], \\
# V(s) &= \alpha \log \sum_a \rho(a \mid s) \, e^{Q(s, a) / \alpha}, \\
# \pi(a \mid s) &= \rho(a \mid s) \, e^{(Q(s, a) - V(s)) / \alpha}.
# \end{aligned}$$
#
# $Q$ and $V$ are in units of reward: $\alpha$ divides inside the exponential and multiplies outside
# the logarithm. Put any $V$ into the right side, take the $V$ that comes out, and repeat: this is
# soft value iteration. After a sweep, any two candidates are at most $\gamma$ times as far from
# each other as before it.
#
# **When to stop.** A sweep that changes little need not be near the end. If the last sweep moved
# $V$ by $d$, how far can all later sweeps together still move it? Sum the geometric series. For
# $\gamma = 0.98$, the answer is 49 times $d$. (Or count beforehand: how many sweeps shrink the
# first distance as far as you need?)
#
# **By hand.** One state, the ground, with two actions that both stay there: $r = \log \tfrac12$ and
# $\log \tfrac14$, prior one half each, $\alpha = 1$, $\gamma = \tfrac12$. The next state is
# certain, so $V = \tfrac12 V + \log \tfrac38$. That gives $V = 2 \log \tfrac38 = \log \tfrac9{64}$,
# and $\pi = (\tfrac23, \tfrac13)$.
#
# **Look out** for traps, as in assignment 3: $V = -\infty$ where nothing is optimal. (`-inf` minus
# `-inf` is NaN, in the policy, and in the change of a sweep: no comparison with NaN is true, so a
# loop may never end. A call that takes too long costs the properties after it as well.)
# And for the cold: at $\alpha = 0.05$ a reward of -50 is -1,000 nats, and $e^{-1000}$ is 0.
#
# ### What to write
#
# `soft_vi(P, R, rho, alpha, gamma)` returns three arrays, `(Q, V, policy)`, of shape (S, A), (S,)
# and (S, A): the fixed point, in units of reward, and its policy.
#
# - `R` has shape (S, A), the same at every step. Rewards lie between -10,000 and 10, or are `-inf`.
#   `gamma` is from 0 to 0.98, and `alpha` from 0.05 to 20.
# - $Q$ of a forbidden action is what the formula says. It is not part of $V$. (The $Q$ of a
#   forbidden action is at most 30 $\alpha$ above the $V$ of its state, where that is finite.)
# - In a state of value `-inf` no action is better than another: its row of the policy is zeros.
# - **Accuracy**: the largest error of $Q$ and $V$ may be 5e-4, and 3e-6 of the value where that is
#   more. Policies must be right to 3 digits.


# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    """The fixed point of the discounted soft backup, and its policy.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards, shape (S, A); -inf allowed.
        rho: action prior, shape (S, A).
        alpha: the temperature, above 0.
        gamma: the discount, at least 0 and below 1.

    Returns:
        Q: r + gamma E[V(s')], shape (S, A), in units of reward.
        V: alpha log sum_a rho exp(Q / alpha), shape (S,), in units of reward.
        policy: rho exp((Q - V) / alpha), shape (S, A); zeros where V is -inf.
    """
    ### BEGIN SOLUTION
    V = np.zeros(len(P))
    for _ in range(int(30 / (1 - gamma))):  # gamma^n is then at most exp(-30)
        Q = R + gamma * mean(P, V, axis=-1)
        V = alpha * log_mean_exp(rho, Q / alpha)
    level = np.where(np.isfinite(V), V, 0.0)[:, None]
    return Q, V, rho * np.exp((Q - level) / alpha)
    ### END SOLUTION


# %% [markdown]
# **Check.** With $\alpha = 1$ and $\gamma = \tfrac12$ the monkey's values are about -1.65 on the
# ground and -0.54 in the tree. What do they become at $\alpha = 0.05$ and at $\alpha = 20$, and
# what do the policies?

# %%
# A cell of your own.
for alpha in (0.05, 1.0, 20.0):
    Q, V, policy = soft_vi(P, R, rho, alpha, 1 / 2)
    print(alpha, np.round(V, 3), np.round(policy, 3).tolist())

# %% check="soft_vi" points=30
check("soft_vi", soft_vi)

# %% [markdown]
# ## Afterwards, without marks: the gap in one picture
#
# Run the cell when your functions work. The monkey climbs at step 1 with a probability $x$, and
# acts at step 2 as it is told. For every $x$ the picture stacks the bound and the two shares: they
# reach $\log p(\mathcal{O})$, the line above, each time. (`matplotlib` is needed.)

# %%
import matplotlib.pyplot as plt


def take_apart(x, alpha=0.25):
    """log p(O), then the bound and both shares of climbing with probability x at step 1."""
    bell = np.exp(R / alpha)
    beta_2 = (rho * bell).sum(axis=1)
    beta_1 = (rho * bell * (P @ beta_2)).sum(axis=1)
    climbs = np.array([[[1 - x, x], rho[1]], rho * bell / beta_2[:, None]])
    shares = kl_gap(P, R, mu0, rho, climbs, alpha, np.log([beta_1, beta_2]))
    return np.log(mu0 @ beta_1), elbo(P, R, mu0, rho, climbs, alpha), *shares


chances = np.linspace(0.01, 0.99, 99)
evidence, bound, policy_share, luck_share = np.array([take_apart(x) for x in chances]).T
figure, axis = plt.subplots(figsize=(6, 3.4))
axis.plot(chances, bound, "C0", label="bound")
axis.fill_between(chances, bound, bound + policy_share, color="C1", label="policy's share")
axis.fill_between(
    chances,
    bound + policy_share,
    bound + policy_share + luck_share,
    color="C3",
    label="luck's share",
)
axis.plot(chances, evidence, "k", lw=1.5, label="log p(O)")
axis.axvline(chances[np.argmax(bound)], color="C0", ls="--", lw=0.8)
axis.axvline(chances[np.argmin(policy_share)], color="C1", ls="--", lw=0.8)
axis.set(xlabel="chance to climb at step 1", ylabel="nats")
axis.legend(loc="lower center")
figure.tight_layout()
plt.show()

# %% [markdown]
# **Look twice.** The policy's share is smallest, 0, where the monkey does what it was told. The
# bound is highest at another place, to the left. Why not at the same one? What shape has luck's
# share, as a function of $x$, and what is its slope? (Problem 2 has the number for $\alpha = 1$.)
# Now make climbs certain, `P[0, 1] = [0, 1]`, and run the cell again.

# %%
# A cell of your own.
