# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 3: diagnose risk
#
# Told that all went well, an agent concludes that its climbs succeeded. That is right as an
# account of the past. Now it plans its next climb with the same numbers, and counts on luck
# that nobody promised. How much luck, where, and what will it cost? You can measure all of
# that, and here you do:
#
# | problem | function | points |
# |---|---|---|
# | 1 | `posterior_dynamics`: which dynamics does the agent believe in? | 25 |
# | 2 | `opt_vs_var`: what do the exact and the variational agent value, and what do they do? | 35 |
# | 3 | `min_lottery_p`: from which chance on does the exact agent buy a ticket? | 20 |
# | 4 | `belief_and_fact`: which return does it believe in, and which does it get? | 20 |
#
# It takes 60 to 90 minutes. You need chapter 3, "The optimism problem", and from chapter 2 the
# backward messages. After this assignment you can take a policy that came out of inference, and
# say whether it is safe to act on.
#
# ## How this notebook works
#
# It works like assignments 1 and 2:
#
# - **Write in the cells that say `YOUR CODE HERE`.** Later cells can use what you define there.
#   Cells you add are run too, where you put them.
# - **The cell below each one checks your function**, on new random inputs every time, as often as
#   you like. The grade uses the same properties, on other inputs. `check("min_lottery_p",
#   min_lottery_p, seed=1234)` repeats the inputs of a seed, and `check(...).inputs` are the first
#   inputs on which your function fails. Each property gives its points separately.
# - **Each problem gets inputs of its own.** A mistake in problem 1 costs nothing in problem 4.
# - **numpy and the standard library are enough.** Torch works as well. Arrays, nested lists and
#   tensors are all accepted as answers, in 32 or 64 bits.
# - **The modules of `cs_infer` that hold the answers cannot be imported in the graded cells**:
#   `cs_infer.posterior`, `cs_infer.variational`, `cs_infer.messages`, `cs_infer.policies`, and
#   others beside them. The check warns you where your function uses one. To compare your results
#   with the library afterwards, in cells of your own, is a good idea; such cells cost nothing.
# - **Each call has 5 seconds.** All inputs are small: at most 6 states, 4 actions and 6 steps.
#
# Warnings do not matter: a `divide by zero in log` is harmless where the logarithm of zero is
# what you want, and that is `-inf`. Words as in chapter 3: the **exact** agent acts by $p(a \mid s,
# \mathcal{O}_{1:T} = 1)$, the **variational** agent by the policy that keeps the true dynamics.

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% [markdown]
# ## The example
#
# It is the monkey of assignments 1 and 2. The **states** are 0, the ground, and 1, the tree. The
# **actions** are 0, rest, and 1, move. Arrays count from 0; in formulas the steps count from 1, so
# step 1 is row 0.
#
# | symbol | array | shape | meaning |
# |---|---|---|---|
# | $\mu_0(s)$ | `mu0[s]` | (S,) | probability to start in s |
# | $\rho(a \mid s)$ | `rho[s, a]` | (S, A) | action prior; where it is 0, a is *forbidden* in s |
# | $P(s' \mid s, a)$ | `P[s, a, s2]` | (S, A, S) | probability that a in s leads to s′ |
# | $r_t(s, a)$ | `R` | (S, A) or (T, S, A) | the reward, the same at every step, or one for each |
#
# `mu0`, each row `rho[s]` and each row `P[s, a]` sum to one, and may hold zeros. A reward of
# `-inf` means "never optimal". The temperature is 1, so rewards are in nats. The given function
# `reward_at(R, t)` looks up the rewards of a step, whichever of the two shapes `R` has.
#
# A climb succeeds three times out of four; everything else is certain. For two steps, the
# messages $\beta_t(s)$ and the policy $p(a_t \mid s_t, \mathcal{O}_{1:T} = 1)$ are those you
# computed in assignment 2.

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


def reward_at(R, t):
    """The rewards of step t, counted from 0; shape (S, A)."""
    return R[t] if np.ndim(R) == 3 else R


# %% [markdown]
# ## Problem 1: what the agent believes about the dynamics
#
# **Graph.** At step $t$ the state is $s$ and the action is $a$. The next state $s'$ is open, and
# the news is that all goes well from step $t + 1$ on. All that this news has to say about $s'$ is
# the message $\beta_{t+1}(s') = p(\mathcal{O}_{t+1:T} = 1 \mid s_{t+1} = s')$.
#
# **Factor.** Bayes' rule at one node, with $P(s' \mid s, a)$ as the prior:
#
# $$p(s_{t+1} = s' \mid s_t = s, a_t = a, \mathcal{O}_{1:T} = 1) = \; ?$$
#
# Which variables are given, and which one is uncertain? Whatever you divide by is a sum over the
# uncertain one.
#
# **By hand.** The monkey climbs at the first of two steps. In truth it arrives in the tree with
# probability 3/4. From there the second step goes well with probability 5/6, from the ground with
# probability 3/8. Told that it does, the monkey believes that it arrives with probability
#
# $$\frac{\frac34 \cdot \frac56}{\frac34 \cdot \frac56 + \frac14 \cdot \frac38} = \frac{20}{23}.$$
#
# And if it rests on the ground? Then it stays there, whatever the news.
#
# **Take logs.** The messages arrive as logarithms, between -10,000 and 10,000. Think of three
# cases: all of them tiny, all next states of *one row* far worse than the rest of the world, and
# next states from which success is impossible.
#
# ### What to write
#
# `posterior_dynamics(P, log_beta_next)` returns an array of shape (S, A, S), with the believed
# probability of $s'$ at `[s, a, s2]`.
#
# - `log_beta_next` has shape (S,): $\log \beta_{t+1}(s')$. It holds `-inf` where success is
#   impossible.
# - Each row sums to one, with one exception. **If every next state that can occur is without
#   hope** (`-inf`), there is nothing to condition on: return a row of zeros.
# - What `P` excludes stays excluded: probability 0.
# - Probabilities must be right to about 3 digits.


# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    """The dynamics an agent believes in that is told all goes well later.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        log_beta_next: log p(O_{t+1:T} = 1 | s_{t+1}), shape (S,); -inf allowed.

    Returns:
        p(s_{t+1} | s_t, a_t, O_{1:T} = 1), shape (S, A, S); zeros where undefined.
    """
    ### BEGIN SOLUTION
    gain = np.where(P > 0, log_beta_next, -np.inf)
    best = gain.max(axis=2, keepdims=True)
    weight = P * np.exp(gain - np.where(np.isfinite(best), best, 0.0))
    total = weight.sum(axis=2, keepdims=True)
    return weight / np.where(total > 0, total, 1.0)
    ### END SOLUTION


# %% [markdown]
# **Check.** Is the climb believed to succeed 20 times in 23? Are the three rows that are certain
# the rows of `P`? Use this cell as you like; it is not graded.

# %%
# A cell of your own.
posterior_dynamics(P, log_beta_s[1])

# %% check="posterior_dynamics" points=25
check("posterior_dynamics", posterior_dynamics)

# %% [markdown]
# ## Problem 2: the exact and the variational agent
#
# Both agents look ahead from the last step to the first. They differ in one call:
#
# $$\begin{aligned}
# \text{exact:} \quad & Q^{\text{opt}}_t(s, a) = r_t(s, a) + \log \mathbb{E}_{s' \sim P}\big[
# e^{V^{\text{opt}}_{t+1}(s')} \big] \\
# \text{variational:} \quad & Q^{\text{var}}_t(s, a) = r_t(s, a) + \mathbb{E}_{s' \sim P}\big[
# V^{\text{var}}_{t+1}(s') \big]
# \end{aligned}$$
#
# The rest is the same for both. After the last step $V_{T+1} = 0$, and
#
# $$V_t(s) = \log \sum_a \rho(a \mid s) \, e^{Q_t(s, a)}, \qquad \pi_t(a \mid s) = \rho(a \mid s)
# \, e^{Q_t(s, a) - V_t(s)}.$$
#
# So $V^{\text{opt}}$ is $\log \beta_t(s)$, the message of chapter 2, and $\pi^{\text{opt}}$ is the
# policy of assignment 2. $V^{\text{var}}$ is a soft value. At temperature 1 both are in nats, and
# may be compared.
#
# **By hand.** Two steps. At step 2 nothing is left to hope for, and both agents agree: $e^{V_2}$ is
# 3/8 on the ground and 5/6 in the tree. At step 1, for a climb from the ground,
#
# $$e^{Q^{\text{opt}}} = \tfrac14 \big(\tfrac14 \cdot \tfrac38 + \tfrac34 \cdot \tfrac56\big)
# \approx 0.180, \qquad e^{Q^{\text{var}}} = \tfrac14 \big(\tfrac38\big)^{1/4}
# \big(\tfrac56\big)^{3/4} \approx 0.171.$$
#
# The exact agent averages probabilities, the variational one averages their logarithms. So one
# has an arithmetic mean where the other has a geometric one. Which is larger, always? When are
# they equal? From the tree every move is certain: what does that say about its two values?
#
# **Look out** for traps. There are states in which nothing is optimal, and values of `-inf`. The
# exact agent takes an action that *may* end in a trap, and hopes. The variational one does not:
# one possible next state at `-inf` makes the average `-inf`. A next state of probability 0 does
# not count, though in floating point `0 * -np.inf` is NaN.
#
# ### What to write
#
# `opt_vs_var(P, R, rho, T)` returns four arrays, `(V_opt, V_var, pi_opt, pi_var)`: both values
# first, then both policies.
#
# - `V_opt` and `V_var` have shape (T, S), `pi_opt` and `pi_var` have shape (T, S, A). Row 0 is
#   step 1. The step behind the last one is no part of the answer.
# - In a state of value `-inf` no action is better than another: its row of that policy is zeros.
# - `T` is an int from 1 to 6.
# - Rewards lie between -10,000 and 1,000, or are `-inf`. (A reward above 0 makes $e^r$ a weight
#   and no longer a probability. The recursions do not mind.) States may differ by thousands of
#   nats. The $Q$ of a forbidden action is at most 500 above the $V$ of its
#   state, where that is finite.
# - Values must be right to about 4 digits, or 6 where they are in the thousands; policies to 3.


# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    """Values and policies of the exact and of the variational agent.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards in nats, shape (S, A) or (T, S, A); -inf allowed.
        rho: action prior, shape (S, A).
        T: the number of steps, an int.

    Returns:
        V_opt: log p(O_{t:T} = 1 | s_t), shape (T, S).
        V_var: the variational soft value, shape (T, S).
        pi_opt: the exact agent's policy, shape (T, S, A).
        pi_var: the variational agent's policy, shape (T, S, A).
    """
    ### BEGIN SOLUTION
    V_opt, pi_opt = look_back(P, R, rho, T, log_mean_exp)
    V_var, pi_var = look_back(P, R, rho, T, mean)
    return V_opt, V_var, pi_opt, pi_var


def look_back(P, R, rho, T, ahead):
    """The recursion that both agents share."""
    V, pi = np.empty((T, len(rho))), np.empty((T, *rho.shape))
    V_next = np.zeros(len(rho))
    for t in reversed(range(T)):
        Q = reward_at(R, t) + ahead(P, V_next)
        V[t] = V_next = log_mean_exp(rho, Q)
        level = np.where(np.isfinite(V_next), V_next, 0.0)
        pi[t] = rho * np.exp(Q - level[:, None])
    return V, pi


def log_mean_exp(p, x):
    """log of sum p exp(x) over the last axis, with -inf where every term is zero."""
    terms = np.where(p > 0, x, -np.inf)
    top = terms.max(axis=-1, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.sum(p * np.exp(terms - shift), axis=-1)) + shift[..., 0]


def mean(p, x):
    """sum p x over the last axis; what has probability 0 does not count."""
    return np.sum(p * np.where(p > 0, x, 0.0), axis=-1)
    ### END SOLUTION


# %% [markdown]
# **Check.** On the ground at step 1 the exact agent climbs with probability 23/47, about 0.489.
# The variational one climbs a little less. In the tree both do the same. Is `V_opt` anywhere
# below `V_var`?

# %%
# A cell of your own.
for name, array in zip(
    ["V_opt", "V_var", "pi_opt", "pi_var"], opt_vs_var(P, R, rho, T=2), strict=True
):
    print(name, np.round(array, 3).tolist())

# %% check="opt_vs_var" points=35
check("opt_vs_var", opt_vs_var)

# %% [markdown]
# ## Problem 3: when optimism buys the ticket
#
# There is a lottery and a safe act. Count payments from the losing outcome: the lottery pays
# `gap` with chance $p$ and 0 otherwise, and the safe act pays `safe` for certain. The exact agent
# values the lottery at $\log \mathbb{E}[e^{\text{payment}}]$ and takes it when that is at least
# `safe`:
#
# $$\log\big(p \, e^{\text{gap}} + 1 - p\big) \ge \text{safe}$$
#
# What is the smallest such $p$? Solve for it on paper before you write any code.
#
# **By hand.** Let gap be $\log 16$ and safe be $\log 4$. The expected value $p \cdot \log 16$
# reaches $\log 4$ at $p = 1/2$. The exact agent is content with $p = 1/5$.
#
# **Look at the ends.** What does this agent do if the safe act pays nothing, or costs something?
# And if the safe act pays *more* than the prize: which chance would be enough?
#
# **Take care.** Prizes may be as large as 2,000, where $e^{\text{gap}}$ is `inf`, or as small as
# 1e-25, where `np.exp(gap) - 1` is exactly 0. Divide numerator and denominator by something; and
# you know `np.expm1` from assignment 1.
#
# ### What to write
#
# `min_lottery_p(gap, safe)` returns the smallest chance.
#
# - `gap` is above 0. `safe` may be any finite number, below 0 as well.
# - **If even p = 0 is enough, return 0. If no chance is enough, return `np.inf`**: not 1, since
#   a certain win is not enough either.
# - The arguments are two numbers, or two arrays of the same shape, of any dimension. Return a
#   number for numbers and an array of that shape for arrays.
# - It must be right to about 3 digits, small chances too.


# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    """The smallest chance at which the exact agent takes the lottery.

    Args:
        gap: what the lottery pays when it wins, above 0; a number or an array.
        safe: what the safe act pays; a number or an array of the same shape.

    Returns:
        The chance; 0 where any chance will do, inf where none is enough.
    """
    ### BEGIN SOLUTION
    gap, safe = np.asarray(gap, dtype=float), np.asarray(safe, dtype=float)
    between = np.clip(safe, 0.0, gap)
    p = np.exp(between - gap) * np.expm1(-between) / np.expm1(-gap)
    return np.where(safe > gap, np.inf, p)[()]
    ### END SOLUTION


# %% [markdown]
# **Check.** The first number must be 1/5. Which chance makes the monkey give up a sure 999 for a
# prize of 1,000?

# %%
# A cell of your own.
min_lottery_p(np.log(16), np.log(4)), min_lottery_p(1000.0, 999.0)

# %% check="min_lottery_p" points=20
check("min_lottery_p", min_lottery_p)

# %% [markdown]
# ## Problem 4: what the agent believes, and what happens
#
# The exact agent has a policy, $\pi_t(a \mid s) = p(a_t \mid s_t, \mathcal{O}_{1:T} = 1)$. Ask it
# which return it expects, and it tells you $\mathbb{E}[\sum_t r_t \mid \mathcal{O}_{1:T} = 1]$.
# Then let it act. The average return over many runs is another number. The difference is the bill
# for optimism.
#
# **Graph.** Both numbers come from one chain, state, action, next state, with the same policy in
# it. What differs is where the chain starts and how it moves:
#
# | | first state | move from step t to t + 1 |
# |---|---|---|
# | what happens | $\mu_0(s)$ | $P(s' \mid s, a)$ |
# | what is believed | ? | ? |
#
# The second question mark is problem 1. The first one is the same idea at the first node: nobody
# chose $s_1$ either, and the news has something to say about it.
#
# **Eliminate.** Carry the distribution of the state from step to step, and add up the rewards on
# the way:
#
# $$d_{t+1}(s') = \sum_{s, a} d_t(s) \, \pi_t(a \mid s) \, p(s' \mid s, a), \qquad
# \text{return} = \sum_t \sum_{s, a} d_t(s) \, \pi_t(a \mid s) \, r_t(s, a)$$
#
# **By hand.** The monkey, with two steps. It starts on the ground and climbs with probability
# 23/47. So it believes to be in the tree at step 2 with probability $\tfrac{23}{47} \cdot
# \tfrac{20}{23} = \tfrac{20}{47}$, which you know from assignment 2. In fact it is there with
# probability $\tfrac{23}{47} \cdot \tfrac34 = \tfrac{69}{188}$. The returns, in units of $\log
# 2$: it believes in $-\tfrac{110}{47} \approx -2.340$ and gets $-\tfrac{6787}{2820} \approx
# -2.407$.
#
# ### What to write
#
# `belief_and_fact(P, R, mu0, policy, log_beta_s)` returns two numbers, `(believed, obtained)`.
#
# - `policy` has shape (T, S, A) and `log_beta_s` has shape (T, S): right answers of assignment 2
#   for this problem. Each row of `log_beta_s` is about success from that step on, up to the last.
#   After the last step there is no row, and no move that counts. T is from 1 to 6.
# - `R` has shape (S, A) or (T, S, A). It holds `-inf` for actions that are never optimal; the
#   policy takes those with probability 0, and what does not happen is not paid. (`0 * -np.inf` is
#   NaN.) From every state success is possible.
# - The messages may be as low as -20,000.
# - Both must be right to about 4 digits.


# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    """The return that the exact agent believes in, and the one it gets.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards in nats, shape (S, A) or (T, S, A); -inf allowed.
        mu0: initial probabilities, shape (S,).
        policy: p(a_t | s_t, O_{1:T} = 1), shape (T, S, A).
        log_beta_s: log p(O_{t:T} = 1 | s_t), shape (T, S).

    Returns:
        believed: E[sum of rewards | O_{1:T} = 1], a float.
        obtained: E[sum of rewards] of the policy under mu0 and P, a float.
    """
    ### BEGIN SOLUTION
    T = len(policy)
    lucky_start = posterior_dynamics(mu0[None, None, :], log_beta_s[0])[0, 0]
    lucky_moves = [posterior_dynamics(P, log_beta_s[t + 1]) for t in range(T - 1)]
    believed = expected_return(lucky_start, lucky_moves, policy, R)
    return believed, expected_return(mu0, [P] * (T - 1), policy, R)


def expected_return(start, moves, policy, R):
    """The expected return of a policy; moves[t] are the dynamics after step t."""
    state, total = start, 0.0
    for t in range(len(policy)):
        taken = state[:, None] * policy[t]
        total += np.sum(taken * np.where(taken > 0, reward_at(R, t), 0.0))
        if t < len(moves):
            state = np.einsum("sa,san->n", taken, moves[t])
    return float(total)
    ### END SOLUTION


# %% [markdown]
# **Check.** In units of $\log 2$ the monkey believes in $-110/47$ and gets $-6787/2820$. Is
# belief always above fact? Make a climb certain, `P[0, 1] = [0, 1]`: the messages and the policy
# then change as well, so take them from your `opt_vs_var`.

# %%
# A cell of your own.
believed, obtained = belief_and_fact(P, R, mu0, told_policy, log_beta_s)
believed / np.log(2), obtained / np.log(2)

# %% check="belief_and_fact" points=20
check("belief_and_fact", belief_and_fact)

# %% [markdown]
# ## Afterwards, without marks: the whole diagnosis in one picture
#
# A tourist stands before a lottery that pays 3 and a shop that pays 2 for certain; losing pays 0.
# Prior: one half each. Run the cell when your functions work. Left is how often each agent plays,
# for every chance of winning. The dashed lines are the chances from which a prize of 3 beats a
# sure 2: yours of problem 3, and that of the expected value. Right is what the exact agent
# believes it gets, what it gets, and what the variational agent gets. (`matplotlib` is needed.)

# %%
import matplotlib.pyplot as plt


def lottery(p, gap=3.0, safe=2.0):
    """P, R, rho and mu0; state 0 chooses, then 1 has lost, 2 has won, 3 is the shop."""
    P = np.zeros((4, 2, 4))
    P[0, 0, [1, 2]] = 1 - p, p  # action 0 plays
    P[0, 1, 3] = 1.0  # action 1 goes to the shop
    P[1:, :, 1:] = np.eye(3)[:, None]
    pays = np.array([0.0, 0.0, gap, safe])
    return P, np.tile(pays[:, None], (1, 2)), np.full((4, 2), 0.5), np.eye(4)[0]


def diagnose(p, temperature=1.0):
    """How often both agents play; believed, obtained by the exact, by the variational agent."""
    P, R, rho, mu0 = lottery(p)
    V_opt, _, pi_opt, pi_var = map(np.array, opt_vs_var(P, R / temperature, rho, 2))
    believed, exact_gets = belief_and_fact(P, R, mu0, pi_opt, V_opt)
    _, variational_gets = belief_and_fact(P, R, mu0, pi_var, V_opt)
    return pi_opt[0, 0, 0], pi_var[0, 0, 0], believed, exact_gets, variational_gets


chances = np.linspace(0.0, 1.0, 51)
plays_opt, plays_var, *returns = np.array([diagnose(p) for p in chances], dtype=float).T
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
axes[0].plot(chances, plays_opt, "C3", label="exact")
axes[0].plot(chances, plays_var, "C0", label="variational")
axes[0].axvline(float(min_lottery_p(3.0, 2.0)), color="C3", ls="--", lw=0.8)
axes[0].axvline(2 / 3, color="C0", ls="--", lw=0.8)
axes[0].set(xlabel="chance of winning", ylabel="how often it plays")
labels = ["exact: believed", "exact: obtained", "variational: obtained"]
for values, style, label in zip(returns, ["C3:", "C3", "C0"], labels, strict=True):
    axes[1].plot(chances, values, style, label=label)
axes[1].set(xlabel="chance of winning", ylabel="expected return")
for axis in axes:
    axis.legend(loc="lower right")
figure.tight_layout()
plt.show()

# %% [markdown]
# **Look twice.** Where is the gap between the dotted line and the solid red one widest? Now cool
# both agents: `diagnose(p, temperature=0.2)`. The variational agent's choice becomes a step at
# 2/3. Where does the exact agent's step go, and what does that do to its return? (Which formula of
# problem 3 tells you where, with `gap / temperature` and `safe / temperature` in it?)
#
# The cautious recursion of problem 2 was handed to you. Where does it come from, and what does it
# maximise? Chapter 4 derives it.

# %%
# A cell of your own: diagnose both agents at temperature 0.2.
