# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 1: build the model and condition on it
#
# Somebody watches a monkey for a few minutes. It sat on the ground, it climbed, it ate. How
# likely was exactly that? And if all you are told is that the monkey did well: what did it
# probably do?
#
# Both questions have exact answers, and in a small world you can compute them by listing
# everything that could have happened. That is what you do here, with three functions:
#
# | problem | function | points |
# |---|---|---|
# | 1 | `traj_logprob`: how likely is one trajectory? | 25 |
# | 2 | `posterior_enumerate`: how likely is each trajectory, given success at every step? | 40 |
# | 3 | `p_not_optimal`: what does one failure say about the action? | 35 |
#
# It takes 60 to 90 minutes. You need chapter 1, "The graphical model". After this assignment you
# can write down the joint distribution of a decision problem, condition it, and say what each
# factor does.
#
# ## How this notebook works
#
# - **Write in the cells that say `YOUR CODE HERE`.** You may define helper functions there too;
#   later cells can use them.
# - **The cell below each one checks your function**, on new random inputs every time. Run it as
#   often as you like. It is the *public* check: the grade uses the same properties, on other
#   inputs. If it reports a seed, `check("traj_logprob", traj_logprob, seed=1234)` repeats exactly
#   those inputs. Where your function fails, the inputs are in `check(...).inputs`, so that you
#   can call `traj_logprob(**inputs)` yourself. Each property gives its points separately.
# - **Answers go into the cells that say `YOUR CODE HERE`.** Cells you add are run too, where you
#   put them, so a helper function may live in one. They earn nothing and cost nothing.
# - **numpy and the standard library are enough.** Torch works as well. Arrays, nested lists and
#   tensors are all accepted as answers, in 32 or 64 bits. Turn anything else, such as a
#   `Fraction` or a `longdouble`, into a float before you return it.
# - **Four modules cannot be imported in the graded cells**: `cs_infer.trajectories`,
#   `cs_infer.messages`, `cs_infer.sampling` and `cs_infer.optimality`. They contain the answers,
#   and you would learn nothing from calling them. There is no network and no file to read either.
#   To compare your results with the library afterwards, in cells of your own, is a good idea.
# - **Each call has 5 seconds.** The inputs are small, except that a trajectory may have 800
#   steps.
#
# What you print or plot does not matter, and neither do warnings: a `divide by zero in log` is
# harmless where the logarithm of zero is what you want. (`np.log(0)` is `-inf` with a warning;
# `math.log(0)` is an error.)

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% [markdown]
# ## The example for all three problems
#
# The **states** are 0, the ground, and 1, the tree. The **actions** are 0, rest, and 1, move.
# Arrays count from 0; in formulas the steps count from 1, so $s_1$ is `s[0]`. There are $S$
# states and $A$ actions.
#
# | symbol | array | shape | meaning |
# |---|---|---|---|
# | $\mu_0(s)$ | `mu0[s]` | (S,) | probability to start in s |
# | $\rho(a \mid s)$ | `rho[s, a]` | (S, A) | action prior: probability of a, before any news |
# | $P(s' \mid s, a)$ | `P[s, a, s2]` | (S, A, S) | probability that a in s leads to s′ |
# | $r(s, a)$ | `R[s, a]` | (S, A) | the reward, at most 0; `-inf` is allowed |
#
# `mu0`, each row `rho[s]` and each row `P[s, a]` sum to one. Any of them may hold zeros. Where
# `rho[s, a]` is 0, action a is *forbidden* in s. You need not check the inputs.
#
# The monkey starts on the ground. There it rests or moves with probability 1/2 each. A move on
# the ground is an attempt to climb, which succeeds three times out of four. In the tree it rests
# with probability 2/3, and a move takes it back to the ground.

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

# %% [markdown]
# ## Problem 1: the probability of a trajectory
#
# A trajectory of $T$ steps is $\tau = (s_1, a_1, s_2, a_2, \dots, s_T, a_T)$: $T$ states and $T$
# actions. It ends with an action; no state follows it.
#
# **Graph.** The first state has no parent. Each action hangs on its state. Each later state hangs
# on the state and the action before it.
#
# **Factor.** One factor for each node:
#
# $$p(\tau) = \mu_0(s_1) \; \prod_{t=1}^{T} \rho(a_t \mid s_t) \;
# \prod_{t=1}^{T-1} P(s_{t+1} \mid s_t, a_t)$$
#
# **By hand.** The monkey tries to climb, succeeds, and rests in the tree: `s = [0, 1]`, `a = [1,
# 0]`. Then
#
# $$p(\tau) = \underbrace{1}_{\mu_0(0)} \cdot \underbrace{\tfrac12}_{\rho(1 \mid 0)} \cdot
# \underbrace{\tfrac34}_{P(1 \mid 0, 1)} \cdot \underbrace{\tfrac23}_{\rho(0 \mid 1)} = \tfrac14$$
#
# **Take logs.** A product of 800 such factors can be smaller than any floating-point number. So the
# function returns $\log p(\tau)$, the natural logarithm. For the monkey that is $\log \tfrac14
# \approx -1.386$.
#
# ### What to write
#
# `traj_logprob(P, mu0, rho, s, a)` returns one number, $\log p(\tau)$.
#
# - `s` and `a` are integer arrays of shape (T,), with T from 1 to 800. (Python stops a
#   recursion after about 1,000 calls, so a loop or array operations serve better here.)
# - A trajectory that cannot happen has probability 0. For it, return `-np.inf`, not zero, not an
#   error, not a large negative number.
# - It must be right to about 4 digits.


# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    """Log-probability of a trajectory.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        mu0: initial probabilities, shape (S,).
        rho: action prior, shape (S, A).
        s: states s_1 ... s_T, shape (T,).
        a: actions a_1 ... a_T, shape (T,).

    Returns:
        log p(tau), a float; -inf if the trajectory cannot happen.
    """
    ### BEGIN SOLUTION
    with np.errstate(divide="ignore"):
        first = np.log(mu0[s[0]])
        choices = np.log(rho[s, a]).sum()
        moves = np.log(P[s[:-1], a[:-1], s[1:]]).sum()
    return float(first + choices + moves)
    ### END SOLUTION


# %% [markdown]
# **Check.** First the trajectory you know: is it $\log \tfrac14$? A few more you can do in your
# head: change the last action, and `1/4` becomes `1/8`. Use this cell as you like; it is not
# graded.

# %%
# A cell of your own: try the function on examples you can do by hand.
traj_logprob(P, mu0, rho, s=np.array([0, 1]), a=np.array([1, 0])), np.log(1 / 4)

# %% check="traj_logprob" points=25
check("traj_logprob", traj_logprob)

# %% [markdown]
# ## Problem 2: the posterior over trajectories
#
# **Graph.** Now each step gets one more node, $\mathcal{O}_t$, which is 1 when the agent was
# optimal at step $t$. It hangs on $s_t$ and $a_t$, and its probability is
#
# $$p(\mathcal{O}_t = 1 \mid s_t, a_t) = \exp\big(r(s_t, a_t)\big), \qquad r \le 0.$$
#
# The temperature is 1, so rewards are in nats. This is an equality: a reward of 0 means "optimal
# for certain", and a reward of $-\infty$ means "never optimal".
#
# **Factor.** All the steps were optimal, so every $\mathcal{O}_t$ contributes its factor:
#
# $$p(\tau, \mathcal{O}_{1:T} = 1) = p(\tau) \, \prod_{t=1}^{T} e^{r(s_t, a_t)}$$
#
# **Eliminate.** The evidence $p(\mathcal{O}_{1:T} = 1)$ is the sum of this over all trajectories.
# The posterior $p(\tau \mid \mathcal{O}_{1:T} = 1)$ is the joint divided by the evidence.
#
# **By hand.** With $T = 1$ the monkey has two trajectories, both on the ground:
#
# | trajectory | $p(\tau)$ | $e^{r}$ | joint | posterior |
# |---|---|---|---|---|
# | s = (0), a = (0): rest | 1/2 | 1/2 | 1/4 | 2/3 |
# | s = (0), a = (1): climb | 1/2 | 1/4 | 1/8 | 1/3 |
#
# The evidence is 1/4 + 1/8 = 3/8. Told that the monkey was optimal, we think it rested. Now let
# it have a second step, $T = 2$:
#
# | trajectory | $p(\tau)$ | $e^{\text{return}}$ | joint | posterior |
# |---|---|---|---|---|
# | s = (0, 0), a = (0, 0) | 1/4 | 1/4 | 1/16 | 16/47 |
# | s = (0, 0), a = (0, 1) | 1/4 | 1/8 | 1/32 | 8/47 |
# | s = (0, 0), a = (1, 0) | 1/16 | 1/8 | 1/128 | 2/47 |
# | s = (0, 0), a = (1, 1) | 1/16 | 1/16 | 1/256 | 1/47 |
# | s = (0, 1), a = (1, 0) | 1/4 | 1/4 | 1/16 | 16/47 |
# | s = (0, 1), a = (1, 1) | 1/8 | 1/8 | 1/64 | 4/47 |
#
# The evidence is 47/256. What is the probability that the *first* action was to climb? With one
# step it was 1/3. Add the four rows that begin with a climb: is it larger now? Why? (Your
# function will answer it too.)
#
# **Take logs.** The joint can be as small as $e^{-2400}$, and that is 0 in floating point. The
# posterior depends only on *differences* of logarithms. So add up logarithms, subtract the
# largest, and only then take exponentials.
#
# ### What to write
#
# `posterior_enumerate(P, R, mu0, rho, T)` returns a tuple of three arrays, `(states, actions,
# probability)`.
#
# - `states` and `actions` have shape (N, T) and hold whole numbers; row n is the n-th trajectory.
# - `probability` has shape (N,): `probability[n]` is $p(\tau_n \mid \mathcal{O}_{1:T} = 1)$, not
#   its logarithm.
# - Every trajectory with a positive posterior probability is listed once, in any order. You may
#   also list trajectories of probability 0.
# - `T` is an int from 1 to 4, and $(S A)^T$ is at most 2,000.
# - States may allow different numbers of actions (zeros in `rho`); there may be one state only,
#   or one action only. `R` has rewards near -800, and rewards of `-inf`. At least one trajectory
#   is always possible and has a finite return, so the evidence is never 0.
# - Each probability must be right to about 3 digits, the small ones too.


# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    """Posterior probability of every trajectory, given optimality at all steps.

    Args:
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards, shape (S, A), at most 0, in nats; -inf allowed.
        mu0: initial probabilities, shape (S,).
        rho: action prior, shape (S, A).
        T: the number of steps, an int.

    Returns:
        states: shape (N, T), int.
        actions: shape (N, T), int.
        probability: p(tau | O_1 = ... = O_T = 1), shape (N,), sums to one.
    """
    ### BEGIN SOLUTION
    S, A = rho.shape
    with np.errstate(divide="ignore"):
        log_P, log_mu0, log_rho = np.log(P), np.log(mu0), np.log(rho)
    paths = [((), (), 0.0)]
    for t in range(T):
        longer = []
        for s, a, log_joint in paths:
            for s_next in range(S):
                arrive = log_mu0[s_next] if t == 0 else log_P[s[-1], a[-1], s_next]
                for choice in range(A):
                    total = log_joint + arrive + log_rho[s_next, choice] + R[s_next, choice]
                    if total > -np.inf:
                        longer.append(((*s, s_next), (*a, choice), total))
        paths = longer
    states, actions, log_joint = (np.array(part) for part in zip(*paths, strict=True))
    weight = np.exp(log_joint - log_joint.max())
    return states, actions, weight / weight.sum()
    ### END SOLUTION


# %% [markdown]
# **Check.** For the monkey with $T = 2$ there are six rows with a positive probability, and the
# first has $16/47 \approx 0.340$. Does your list sum to one? Again this cell is yours.

# %%
# A cell of your own.
for row in zip(*posterior_enumerate(P, R, mu0, rho, T=2), strict=True):
    print(*row)

# %% check="posterior_enumerate" points=40
check("posterior_enumerate", posterior_enumerate)

# %% [markdown]
# ## Problem 3: what a failure says about the action
#
# One step, one state $s$, and this time the bad news: $\mathcal{O} = 0$. The agent was not
# optimal. What did it do?
#
# **Graph.** The same as before: $s$ and $a$ are the parents of $\mathcal{O}$. The state is given.
#
# **Factor.** $p(a, \mathcal{O} = 0 \mid s) = \rho(a \mid s) \; p(\mathcal{O} = 0 \mid s, a)$. The
# node $\mathcal{O}$ has two values, and their probabilities sum to one. So what is $p(\mathcal{O}
# = 0 \mid s, a)$ in terms of $r(s, a)$? That question is yours.
#
# **Eliminate.** Divide by the sum over the actions of that state.
#
# **By hand.** On the ground, the monkey rests or moves with probability 1/2 each, and $e^{r}$ is
# 1/2 for resting and 1/4 for moving. After a failure, resting has probability 2/5 and moving 3/5.
# Can you get these two numbers before you write any code?
#
# **Take logs.** No logarithms here, but the same care. In floating point `1 - np.exp(-1e-20)` is
# exactly 0, because `np.exp(-1e-20)` rounds to 1, although the answer is `1e-20`. The function
# `np.expm1(x)` computes $e^x - 1$ without that loss.
#
# ### What to write
#
# `p_not_optimal(R, rho)` returns an array of shape (S, A) with $p(a \mid s, \mathcal{O} = 0)$ at
# [s, a].
#
# - `R` and `rho` have shape (S, A). `R` is at most 0; it may hold exact zeros, `-inf`, and values
#   as close to 0 as `-1e-25`.
# - Each row sums to one, with one exception. **If every allowed action of a state is certain to
#   be optimal** (its reward is exactly 0), then $\mathcal{O} = 0$ cannot happen there, and there
#   is nothing to condition on. Return a row of zeros for that state. An action is allowed if
#   `rho[s, a] > 0`.
# - A forbidden action has probability 0 after a failure too.
# - It must be right to about 4 digits.


# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    """The action's distribution, given that the step was not optimal.

    Args:
        R: rewards, shape (S, A), at most 0, in nats; -inf allowed.
        rho: action prior, shape (S, A).

    Returns:
        p(a | s, O = 0), shape (S, A); a row of zeros where O = 0 is impossible.
    """
    ### BEGIN SOLUTION
    joint = rho * (0.0 - np.expm1(R))
    evidence = joint.sum(axis=1, keepdims=True)
    return np.divide(joint, evidence, out=np.zeros_like(joint), where=evidence > 0)
    ### END SOLUTION


# %% [markdown]
# **Check.** The first row must be $(2/5, 3/5)$. What must the second row be? In the tree, resting
# is certain to be optimal.

# %%
# A cell of your own.
p_not_optimal(R, rho)

# %% check="p_not_optimal" points=35
check("p_not_optimal", p_not_optimal)

# %% [markdown]
# ## Afterwards, without marks: watch the posterior
#
# A higher tree now: the ground is 0 and the fruit hangs at height 3. The monkey rests or climbs,
# with probability 1/2 each. A climb goes up one step with probability 3/4, otherwise the monkey
# falls to the ground. Rewards are 0 at the fruit and less the further away it is; climbing costs
# a little.
#
# Run the cell when your functions work. Left is what the monkey does when nothing is known, right
# what it probably did when it was optimal at all four steps. Each line is one trajectory, and its
# width is its probability. (`matplotlib` is needed.)

# %%
import matplotlib.pyplot as plt


def tall_tree(height=3, grip=3 / 4):
    """P, R, mu0 and rho of a tree to climb; actions: 0 rest, 1 climb."""
    S = height + 1
    P = np.zeros((S, 2, S))
    for h in range(S):
        P[h, 0, h] = 1.0
        P[h, 1, min(h + 1, height)] += grip
        P[h, 1, 0] += 1 - grip
    R = -np.column_stack([np.arange(height, -1, -1), np.arange(height, -1, -1) + 0.3])
    return P, R, np.eye(S)[0], np.full((S, 2), 0.5)


def draw_paths(axis, states, probability, title):
    """One line for each trajectory, as wide as it is probable."""
    rng = np.random.default_rng(0)
    for path, p in zip(states, probability, strict=True):
        jitter = rng.normal(0, 0.05, size=len(path))
        axis.plot(range(1, len(path) + 1), path + jitter, color="C0", lw=20 * p, alpha=0.6)
    axis.set(title=title, xlabel="step t", ylabel="height", xticks=range(1, len(path) + 1))


tree_P, tree_R, tree_mu0, tree_rho = tall_tree()
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for axis, rewards, title in (
    (axes[0], np.zeros_like(tree_R), "nothing known"),
    (axes[1], tree_R, "optimal at every step"),
):
    states, actions, probability = posterior_enumerate(tree_P, rewards, tree_mu0, tree_rho, T=4)
    draw_paths(axis, np.array(states), np.array(probability), title)
plt.show()

# %% [markdown]
# **Look twice.** How often did the monkey fall in the left picture, and how often in the right
# one? The prior says a climb fails one time in four. The posterior does not: it was told that all
# went well, so it believes that the monkey was *lucky*. Is that what you want from a plan? Write
# down your answer in two sentences, for yourself. Chapter 3 starts from it.

# %%
# A cell of your own: how probable is a fall, before and after conditioning? And if grip = 1?
