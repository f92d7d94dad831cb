# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 2: exact inference by messages
#
# In assignment 1 you listed everything that could have happened. With 2 states, 2 actions and 5
# steps that is a list of 1,024 trajectories. With 1,000 steps it has $4^{1000}$ rows, and no
# computer will ever print it. Here you get the same answers in 1,000 small steps, all together in
# a fraction of a second.
#
# How can a sum over so many trajectories be that cheap? Because the graph is a chain. You write
# the four functions that make use of it:
#
# | problem | function | points |
# |---|---|---|
# | 1 | `log_backward`: how probable is success from here on? | 40 |
# | 2 | `policy`: so what did the agent probably do? | 20 |
# | 3 | `forward`: how probable is it to get here, with success so far? | 20 |
# | 4 | `smooth`: where was the agent, given success at every step? | 20 |
#
# It takes 60 to 90 minutes. You need chapter 2, "Backward messages". After this assignment you
# can compute any marginal of the model exactly, at any horizon, and you know which numerical
# traps lie on the way.
#
# ## How this notebook works
#
# It works like assignment 1:
#
# - **Write in the cells that say `YOUR CODE HERE`.** Later cells can use what you define there.
#   Cells you add are run too, where you put them.
# - **The cell below each one checks your function**, on new random inputs every time, as often as
#   you like. The grade uses the same properties, on other inputs. `check("policy", policy,
#   seed=1234)` repeats the inputs of a seed, and `check(...).inputs` are the first inputs on which
#   your function fails. Each property gives its points separately.
# - **Each problem gets inputs of its own.** A mistake in problem 1 costs nothing in problem 2.
# - **numpy and the standard library are enough.** Torch works as well. Arrays, nested lists and
#   tensors are all accepted as answers, in 32 or 64 bits.
# - **The modules of `cs_infer` that pass messages cannot be imported in the graded cells**:
#   `cs_infer.messages`, what is built on it, and `cs_infer.trajectories`. To compare your results
#   with the library afterwards, in cells of your own, is a good idea; take those cells out before
#   you hand in, or leave them: they cost nothing.
# - **Each call has 5 seconds.** Most inputs are small. Some have 1,000 steps, with 4 states and 3
#   actions: loops over states and actions are fast enough, a list of trajectories is not. (Python
#   stops a recursion after about 1,000 calls. Go through the steps in a loop.)
#
# Warnings do not matter: a `divide by zero in log` is harmless where the logarithm of zero is
# what you want, and that is `-inf`.

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% [markdown]
# ## The example for all four problems
#
# It is the monkey of assignment 1. The **states** are 0, the ground, and 1, the tree. The
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


def reward_at(R, t):
    """The rewards of step t, counted from 0; shape (S, A)."""
    return R[t] if np.ndim(R) == 3 else R


# %% [markdown]
# ## Problem 1: the backward messages
#
# **Graph.** Cut the chain at step $t$. What comes later depends on what came before through $s_t$
# and $a_t$ alone. So two tables are all that the future has to say:
#
# $$\beta_t(s, a) = p(\mathcal{O}_{t:T} = 1 \mid s_t = s, a_t = a), \qquad
# \beta_t(s) = p(\mathcal{O}_{t:T} = 1 \mid s_t = s)$$
#
# **Factor.** Success from $t$ on is success at $t$ and success from $t + 1$ on:
#
# $$\beta_t(s, a) = e^{r_t(s, a)} \sum_{s'} P(s' \mid s, a) \, \beta_{t+1}(s'), \qquad
# \beta_t(s) = \sum_a \rho(a \mid s) \, \beta_t(s, a)$$
#
# **Eliminate.** Start behind the last step, where nothing is left to observe, $\beta_{T+1}(s') =
# 1$, and go backwards.
#
# **By hand.** The monkey, with $T = 2$:
#
# | step | state | β(s, rest) | β(s, move) | β(s) |
# |---|---|---|---|---|
# | 2 | ground | 1/2 | 1/4 | 3/8 |
# | 2 | tree | 1 | 1/2 | 5/6 |
# | 1 | ground | 3/16 | 23/128 | 47/256 |
# | 1 | tree | 5/6 | 3/16 | 89/144 |
#
# Get the entry 23/128 yourself before you go on: $\tfrac14 \big(\tfrac14 \cdot \tfrac38 +
# \tfrac34 \cdot \tfrac56\big)$. And 47/256 you know: it is the evidence that assignment 1 took
# from a list of six trajectories.
#
# **Take logs.** After 1,000 steps a message is smaller than any floating-point number. Its
# logarithm is not:
#
# $$\log \beta_t(s, a) = r_t(s, a) + \log \sum_{s'} P(s' \mid s, a) \, e^{\log \beta_{t+1}(s')},
# \qquad \log \beta_t(s) = \log \sum_a \rho(a \mid s) \, e^{\log \beta_t(s, a)}$$
#
# But now there are exponentials in it, and $e^{-10000}$ is 0 in floating point. What can be taken
# out of the sum, so that its largest term is 1? Think of three cases: all terms tiny, some terms
# far smaller than others, and every term exactly zero.
#
# ### What to write
#
# `log_backward(P, R, rho, T)` returns a pair of arrays, `(log_beta_sa, log_beta_s)`.
#
# - `log_beta_sa` has shape (T, S, A): $\log \beta_t(s, a)$ at `[t - 1, s, a]`. Entries of forbidden
#   actions may be any number: they are not looked at.
# - `log_beta_s` has shape (T, S): $\log \beta_t(s)$ at `[t - 1, s]`. The step behind the last one
#   is no part of the answer.
# - Where optimality is impossible the logarithm is `-np.inf`, and nowhere else. NaN is never right.
# - `T` is an int from 1 to 1,000. There may be one state only, or one action only.
# - Rewards lie between -10,000 and 1,000, or are `-inf`. (A reward above 0 makes $e^r$ a weight
#   and no longer a probability. The recursion does not mind.) States may differ by thousands of
#   nats.
# - Messages must be right to about 6 digits, or to 4 over 1,000 steps.


# %% solution="log_backward"
def log_backward(P, R, rho, T):
    """Logarithms of the backward messages.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards in nats, shape (S, A) or (T, S, A); -inf allowed.
        rho: action prior, shape (S, A).
        T: the number of steps, an int.

    Returns:
        log_beta_sa: log p(O_t = ... = O_T = 1 | s_t, a_t), shape (T, S, A).
        log_beta_s: log p(O_t = ... = O_T = 1 | s_t), shape (T, S).
    """
    ### BEGIN SOLUTION
    S, A = rho.shape
    log_beta_sa, log_beta_s = np.empty((T, S, A)), np.empty((T, S))
    log_beta_next = np.zeros(S)
    for t in reversed(range(T)):
        log_beta_sa[t] = reward_at(R, t) + log_mean_exp(P, log_beta_next)
        log_beta_s[t] = log_beta_next = log_mean_exp(rho, log_beta_sa[t])
    return log_beta_sa, log_beta_s


def log_mean_exp(p, x):
    """log of sum p exp(x) over the last axis, with -inf where every term is zero."""
    terms = np.where(p > 0, x, -np.inf)
    top = terms.max(axis=-1, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.sum(p * np.exp(terms - shift), axis=-1)) + shift[..., 0]
    ### END SOLUTION


# %% [markdown]
# **Check.** For the monkey with $T = 2$, the exponentials are the table above. Is the message of
# the first step on the ground 47/256? What do all messages have to be if every reward is 0? Use
# this cell as you like; it is not graded.

# %%
# A cell of your own: try the function on examples you can do by hand.
log_beta_sa, log_beta_s = log_backward(P, R, rho, T=2)
print(np.exp(log_beta_sa))
print(np.exp(log_beta_s), "47/256 is", 47 / 256)

# %% check="log_backward" points=40
check("log_backward", log_backward)

# %% [markdown]
# ## Problem 2: the policy by Bayes' rule
#
# **Graph.** The state is given, and the future is known to go well. What was the action?
#
# **Factor.** Bayes' rule at one node: prior times likelihood over evidence. The likelihood of $a$
# is $\beta_t(s, a)$. Which of the two messages is the evidence?
#
# $$\pi_t(a \mid s) = p(a_t = a \mid s_t = s, \mathcal{O}_{t:T} = 1) = \; ?$$
#
# **By hand.** On the ground, at the first of two steps, the monkey moves with probability 23/47.
# Take 23/128, 47/256 and the prior 1/2, and find out how. In assignment 1 you added four rows of
# a table to get this number. At the second step, on the ground, it moves with probability 1/3.
#
# **Take logs.** The messages arrive as logarithms, as low as -10,000 or as high as 10,000. What
# must happen before an exponential is taken?
#
# ### What to write
#
# `policy(log_beta_sa, log_beta_s, rho)` returns an array of shape (T, S, A), with $\pi_t(a \mid
# s)$ at `[t - 1, s, a]`.
#
# - The arguments are right answers of problem 1: `log_beta_sa` (T, S, A), `log_beta_s` (T, S), and
#   the prior `rho` (S, A). A forbidden action has a message too. It is at most 500 nats above
#   `log_beta_s`, where that is finite.
# - Each row sums to one over the actions, with one exception. **From some states optimality is
#   impossible**, and `log_beta_s` is `-inf` there. Then there is nothing to condition on: return
#   a row of zeros.
# - A forbidden action has probability 0.
# - Probabilities must be right to about 3 digits.


# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    """The action's distribution, given the state and success from there on.

    Args:
        log_beta_sa: log p(O_t:T = 1 | s_t, a_t), shape (T, S, A).
        log_beta_s: log p(O_t:T = 1 | s_t), shape (T, S).
        rho: action prior, shape (S, A).

    Returns:
        p(a_t | s_t, O_t:T = 1), shape (T, S, A); zeros where that is undefined.
    """
    ### BEGIN SOLUTION
    evidence = np.where(np.isfinite(log_beta_s), log_beta_s, 0.0)
    return rho * np.exp(log_beta_sa - evidence[:, :, None])
    ### END SOLUTION


# %% [markdown]
# **Check.** The first row must be $(24/47, 23/47)$. What did the reward do to the monkey in the
# tree?

# %%
# A cell of your own.
policy(log_beta_sa, log_beta_s, rho)

# %% check="policy" points=20
check("policy", policy)

# %% [markdown]
# ## Problem 3: the forward messages
#
# **Graph.** Cut the chain at step $t$ again, and look the other way. All that the past has to say
# about $s_t$ is
#
# $$f_t(s) = p(s_t = s, \; \mathcal{O}_{1:t-1} = 1).$$
#
# Mind the two details. It is a *joint* probability, so it does not sum to one. And it stops at
# $\mathcal{O}_{t-1}$: the backward message begins with $\mathcal{O}_t$, and nothing is to be
# counted twice.
#
# **Factor.** To be in $s'$ at step $t + 1$, the agent was in some $s$, took some $a$, was optimal
# there, and was carried to $s'$. Four factors: write down $f_{t+1}(s')$ as a sum of their
# products. What is $f_1(s)$?
#
# **Eliminate.** This time the recursion goes forwards, and the sums are over $s$ and $a$.
#
# **By hand.** The monkey starts on the ground, so $f_1 = (1, 0)$. At the second step it is $f_2 =
# (\tfrac{9}{32}, \tfrac{3}{32})$. The second number is $1 \cdot \tfrac12 \cdot \tfrac14 \cdot
# \tfrac34$: which factor is which? What is the first one?
#
# **Take logs.** The same traps as in problem 1, and the same way out of them.
#
# ### What to write
#
# `forward(P, R, rho, mu0, T)` returns an array of shape (T, S), with $\log f_t(s)$ at
# `[t - 1, s]`.
#
# - The arguments are as in problem 1, with `mu0` of shape (S,). `T` is from 1 to 1,000.
# - A state that cannot be reached, or not with success so far, has `-np.inf`.
# - Messages must be right to about 6 digits, or to 4 over 1,000 steps.


# %% solution="forward"
def forward(P, R, rho, mu0, T):
    """Logarithms of the forward messages.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards in nats, shape (S, A) or (T, S, A); -inf allowed.
        rho: action prior, shape (S, A).
        mu0: initial probabilities, shape (S,).
        T: the number of steps, an int.

    Returns:
        log p(s_t, O_1 = ... = O_{t-1} = 1), shape (T, S).
    """
    ### BEGIN SOLUTION
    S = len(mu0)
    ways_in = P.reshape(-1, S).T  # one row for each next state
    with np.errstate(divide="ignore"):
        log_rho, log_mu0 = np.log(rho), np.log(mu0)
    log_forward = np.empty((T, S))
    log_forward[0] = log_mu0
    for t in range(T - 1):
        before = log_forward[t][:, None] + log_rho + reward_at(R, t)
        log_forward[t + 1] = log_mean_exp(ways_in, before.ravel())
    return log_forward
    ### END SOLUTION


# %% [markdown]
# **Check.** The first row is $(0, -\infty)$, the logarithms of $(1, 0)$. And the second?

# %%
# A cell of your own.
log_forward = forward(P, R, rho, mu0, T=2)
np.exp(log_forward)

# %% check="forward" points=20
check("forward", forward)

# %% [markdown]
# ## Problem 4: past and future together
#
# **Graph.** Given $s_t$, past and future know nothing of each other. So their messages are
# multiplied:
#
# $$p(s_t = s, \; \mathcal{O}_{1:T} = 1) = f_t(s) \, \beta_t(s)$$
#
# **Eliminate.** What you want is $p(s_t = s \mid \mathcal{O}_{1:T} = 1)$. Divide by what?
#
# **By hand.** At the second step the monkey is on the ground with probability 27/47 and in the
# tree with 20/47. Use 9/32 and 3/32 from problem 3, and 3/8 and 5/6 from problem 1. Do the two
# products add up to a number you know?
#
# **Take logs.** You get logarithms and return probabilities. Both messages may be as low as
# -10,000.
#
# ### What to write
#
# `smooth(log_forward, log_beta_s)` returns an array of shape (T, S), with $p(s_t = s \mid
# \mathcal{O}_{1:T} = 1)$ at `[t - 1, s]`.
#
# - The arguments are right answers of problems 3 and 1, both of shape (T, S), with T up to 1,000.
# - Each step sums to one over the states, with one exception: where optimality at all steps is
#   impossible, return zeros.
# - Probabilities must be right to about 3 digits.


# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    """Where the agent was at each step, given success at every step.

    Args:
        log_forward: log p(s_t, O_1:t-1 = 1), shape (T, S).
        log_beta_s: log p(O_t:T = 1 | s_t), shape (T, S).

    Returns:
        p(s_t | O_1:T = 1), shape (T, S); zeros where that is undefined.
    """
    ### BEGIN SOLUTION
    joint = log_forward + log_beta_s
    top = joint.max(axis=1, keepdims=True)
    weight = np.exp(joint - np.where(np.isfinite(top), top, 0.0))
    total = weight.sum(axis=1, keepdims=True)
    return weight / np.where(total > 0, total, 1.0)
    ### END SOLUTION


# %% [markdown]
# **Check.** The first step must be $(1, 0)$: why? Then compare with the table of six trajectories
# in assignment 1: which rows add up to 20/47?

# %%
# A cell of your own.
smooth(log_forward, log_beta_s)

# %% check="smooth" points=20
check("smooth", smooth)

# %% [markdown]
# ## Afterwards, without marks: the shape of knowing the end
#
# A walker on a line of 41 places starts in the middle. At each of 40 steps it stays, goes left or
# goes right, each with probability 1/3, and nothing is rewarded. Where is it at step 20? Now you
# are told one thing more: at the last step it was back in the middle, which is a reward of `-inf`
# everywhere else at that step. Where was it at step 20?
#
# Run the cell when your functions work. It draws both answers: what the past alone says, and what
# past and future say together. (`matplotlib` is needed.)

# %%
import matplotlib.pyplot as plt


def line(places=41):
    """P, rho and mu0 of a walk that stays, or goes left or right, and stops at the ends."""
    place = np.arange(places)
    P = np.zeros((places, 3, places))
    for a, step in enumerate((0, -1, 1)):
        P[place, a, np.clip(place + step, 0, places - 1)] = 1.0
    return P, np.full((places, 3), 1 / 3), np.eye(places)[places // 2]


line_P, line_rho, line_mu0 = line()
steps, middle = 40, len(line_mu0) // 2
anywhere = np.zeros((steps, *line_rho.shape))
back_home = anywhere.copy()
back_home[-1] = -np.inf
back_home[-1, middle] = 0.0

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for axis, rewards, title in (
    (axes[0], anywhere, "nothing known"),
    (axes[1], back_home, "known to end in the middle"),
):
    past = forward(line_P, rewards, line_rho, line_mu0, steps)
    _, future = log_backward(line_P, rewards, line_rho, steps)
    marginal = np.array(smooth(past, future))
    spread = np.sqrt(marginal @ (np.arange(len(line_mu0)) - middle) ** 2)
    extent = (0.5, steps + 0.5, -0.5, len(line_mu0) - 0.5)
    axis.imshow(np.sqrt(marginal).T, origin="lower", aspect="auto", cmap="magma", extent=extent)
    axis.set(title=title, xlabel=f"step t (spread at step 20: {spread[19]:.1f} places)")
axes[0].set_ylabel("place")
plt.show()

# %% [markdown]
# **Look twice.** On the left the spread grows all the way. On the right it grows, and shrinks
# again: the walker is known at both ends and free in between. Change `back_home` so that the
# walker is known to be at place 30 at step 20 as well. What happens to the steps before, and to
# the steps after? (Which message carries the news in which direction?)
#
# One question is left. The walker's steps went where it wanted. Give it ice under its feet, so
# that a step slips the other way one time in four, and condition on the end again. The posterior
# believes that it slipped when slipping helped. That is right as an answer to "what happened?".
# Is it right as an answer to "what should I do?" Chapter 3 is about this difference.

# %%
# A cell of your own.
