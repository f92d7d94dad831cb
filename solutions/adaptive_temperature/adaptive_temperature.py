# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 6: adaptive temperature
#
# An agent with a fixed temperature doubts its values for ever, and it doubts them as much on the
# last day as on the first. Put it at temperature 1 into a room with one button that pays 1 and a
# hundred that pay nothing: it presses useless ones 97 times out of 100, however well it knows
# them. What if the temperature were not a constant but a measurement: of how wrong the values
# still are? Here you build that agent:
#
# | problem | function | points |
# |---|---|---|
# | 1 | `boltzmann`: the policy of a temperature, and its limit at 0 | 20 |
# | 2 | `eps_fixed_point`: the temperature that is its own Bellman error | 35 |
# | 3 | `virel_step`: one step of actor and critic | 30 |
# | 4 | a hundred useless buttons: an answer in words | 15 |
#
# It takes 75 to 100 minutes. You need chapter 4, and of it the section "Adaptive temperature".
# After this assignment you can say what a temperature is for, when it has done its work, and what
# it costs to let it adapt.
#
# ## How this notebook works
#
# It works like the earlier assignments:
#
# - **Write in the cells that say `YOUR CODE HERE`.** Later cells can use what you define there.
#   Cells you add are run too, where you put them.
# - **The cell below each one checks your function**, on new random inputs every time, as often as
#   you like. The grade uses the same properties, on other inputs. `check("boltzmann", boltzmann,
#   seed=1234)` repeats the inputs of a seed, and `check(...).inputs` are the first inputs on which
#   your function fails. Each property gives its points separately.
# - **Begin with problem 1.** Problems 2 and 3 need its policy, and you may call your own function
#   there. In problem 3 each part is judged by what your own parts before it imply: a wrong
#   temperature costs the points of the temperature, not those of the policy.
# - **numpy and the standard library are enough.** Torch works as well. Arrays, nested lists and
#   tensors are all accepted as answers, in 32 or 64 bits.
# - **The modules of `cs_infer` that hold the answers cannot be imported in the graded cells**:
#   `cs_infer.cooling`, `cs_infer.soft_policy`, `cs_infer.variational`, and others beside them. The
#   check warns you where your function uses one. To compare your results with the library
#   afterwards, in cells of your own, is a good idea; such cells cost nothing.
# - **Each call has 5 seconds.** All inputs are small: at most 5 states and 4 actions.
#   In the notebook `check` waits for ever: if it does not come back, interrupt the kernel, and
#   look at your loop.

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% [markdown]
# ## The example
#
# A room with two buttons. Button 0 does nothing, button 1 pays 4. After either you are in the
# same room. That is all: one **state**, two **actions**.
#
# | symbol | array | shape | meaning |
# |---|---|---|---|
# | $Q(s, a)$ | `Q[s, a]` | (S, A) | what a in s is believed to be worth, in units of reward |
# | $P(s' \mid s, a)$ | `P[s, a, s2]` | (S, A, S) | probability that a in s leads to s′ |
# | $r(s, a)$ | `R[s, a]` | (S, A) | the reward, finite |
# | $\rho(a \mid s)$ | `rho[s, a]` | (S, A) | action prior; where it is 0, a is *forbidden* in s |
# | $\gamma$ | `gamma` | a number | the discount, from 0 up to below 1 |
# | $\varepsilon$ | `epsilon` | a number | the temperature, 0 or larger, in units of reward |
#
# Each row `rho[s]` and each row `P[s, a]` sums to one, and may hold zeros. There is no horizon:
# the discount makes the sum of rewards finite. With $\gamma = 1/2$ the best the room can give is 4
# now, 2 next, 1 after that, and so on: 8. So the true optimal values are $Q^* = (4, 8)$.
#
# The agent of the example does not know that. It believes $Q = (0, 4)$, the rewards alone.

# %% given="example"
Q = np.array([[0.0, 4.0]])
P = np.ones((1, 2, 1))
R = np.array([[0.0, 4.0]])
rho = np.array([[1 / 2, 1 / 2]])
gamma = 1 / 2

# %% [markdown]
# ## Problem 1: the Boltzmann policy, and its limit
#
# $$\pi_\varepsilon(a \mid s) = \frac{\rho(a \mid s) \, e^{Q(s, a) / \varepsilon}}{\sum_{a'}
# \rho(a' \mid s) \, e^{Q(s, a') / \varepsilon}}$$
#
# The temperature says which differences of values count as large. It divides the values and
# nothing else: the prior is a factor outside.
#
# **By hand.** In the room the weights are $\tfrac12 e^{0}$ and $\tfrac12 e^{4/\varepsilon}$. Take
# temperatures at which $e^{4/\varepsilon}$ is a whole number $k$, which are $\varepsilon = 4 / \log
# k$:
#
# | $k$ | 3 | 7 | 15 |
# |---|---|---|---|
# | temperature $4 / \log k$ | 3.641 | 2.056 | 1.477 |
# | policy | 1/4, 3/4 | 1/8, 7/8 | 1/16, 15/16 |
#
# Where does this go as the temperature falls to 0? And as it rises without bound?
#
# **The limit.** At $\varepsilon = 0$ the formula divides by 0. But the policy has a limit there,
# and problem 2 needs it, since 0 is the temperature of an agent whose values are right. Take two
# actions $a$ and $b$. Their ratio is
#
# $$\frac{\pi_\varepsilon(a \mid s)}{\pi_\varepsilon(b \mid s)} = \frac{\rho(a \mid s)}{\rho(b \mid
# s)} \; e^{(Q(s, a) - Q(s, b)) / \varepsilon}.$$
#
# What becomes of it if $Q(s, a) < Q(s, b)$? And if both are *equal*: does the ratio change as the
# temperature falls? So what does the limit do with actions that tie?
#
# **Take care.** A value of 5,000 at temperature 2 asks for $e^{2500}$, which is `inf`; a value of
# -5,000 for $e^{-2500}$, which is 0. Look at the ratio once more: which constant may be subtracted
# from all values of a state? And what if the largest value of the row is that of a *forbidden*
# action?
#
# ### What to write
#
# `boltzmann(Q, rho, epsilon)` returns the policy, shape (S, A). Each row sums to one.
#
# - `epsilon` is 0, or a number from 1e-30 on. **At 0, return the limit.**
# - Two actions tie when their values are equal as numbers. Values that are not equal differ by 0.1
#   or more.
# - A forbidden action has probability 0, even if its value is the largest. Each state allows at
#   least one action.
# - Values lie between -6,000 and 6,000. Probabilities must be right to about 3 digits.


# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    """The Boltzmann policy of a temperature.

    Args:
        Q: values, shape (S, A), in units of reward.
        rho: action prior, shape (S, A).
        epsilon: the temperature, 0 or larger, in units of reward.

    Returns:
        pi(a | s), shape (S, A); at temperature 0 its limit.
    """
    ### BEGIN SOLUTION
    below = np.where(rho > 0, Q, -np.inf)
    below = below - below.max(axis=1, keepdims=True)
    weight = rho * (np.exp(below / epsilon) if epsilon > 0 else below == 0)
    return weight / weight.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% [markdown]
# **Check.** The first row must be 1/16 and 15/16, the second 0 and 1. Then try a tie of your own.

# %%
# A cell of your own.
boltzmann(Q, rho, 4 / np.log(15)), boltzmann(Q, rho, 0.0)

# %% check="boltzmann" points=20
check("boltzmann", boltzmann)

# %% [markdown]
# ## Problem 2: the temperature that is its own Bellman error
#
# How wrong is $Q$? Ask it twice. Once it says what an action is worth, $Q(s, a)$. Once, look one
# step ahead under the policy, and ask what comes next:
#
# $$(\mathcal{T}_\varepsilon Q)(s, a) = r(s, a) + \gamma \sum_{s'} P(s' \mid s, a) \sum_{a'}
# \pi_\varepsilon(a' \mid s') \, Q(s', a')$$
#
# The difference $\mathcal{T}_\varepsilon Q - Q$ is the **Bellman error** of the pair $(s, a)$. The
# operator is plain: an average of $Q$ under the policy, without entropy and without a maximum.
#
# The temperature of VIREL (Fellows, Mahajan, Rudner and Whiteson, 2019) is the size of this error:
#
# $$\varepsilon = g(\varepsilon), \qquad g(\varepsilon) = \frac{c}{p} \; \frac{1}{S} \sum_s \sum_a
# \rho(a \mid s) \, \big| (\mathcal{T}_\varepsilon Q)(s, a) - Q(s, a) \big|^p$$
#
# It is a mean: every state has the weight $1 / S$, an action has the weight of its prior.
# Mind what is *not* there: no root, though a $p$-norm would have one. The constants $c > 0$ and
# $p \ge 1$ are choices. ($p$ is a number here and `P` the dynamics.)
#
# Now look at the equation again. $\varepsilon$ is on its left. On its right it is inside the
# policy, which is inside the operator. To know the temperature you must know the policy, and to
# know the policy you must know the temperature. This is not a formula to evaluate but an equation
# to solve.
#
# **By hand.** In the room both buttons lead to the same state, and $\sum_{a'} \pi_\varepsilon(a')
# Q(a') = 4 \pi$, where $\pi$ is the probability of button 1. So $\mathcal{T}_\varepsilon Q$ is
# $(2 \pi, 4 + 2 \pi)$, and both errors are $2 \pi$. With $c = 1$ and $p = 2$:
#
# $$g(\varepsilon) = \tfrac12 (2 \pi)^2 = 2 \pi^2$$
#
# | temperature $\varepsilon$ | $g(\varepsilon)$ | for how wrong $Q$ is, this is |
# |---|---|---|
# | $0$ | $2$ | too cold |
# | $4 / \log 15 \approx 1.477$ | $225/128 \approx 1.758$ | too cold |
# | $4 / \log 7 \approx 2.056$ | $49/32 \approx 1.531$ | ? |
# | $4 / \log 3 \approx 3.641$ | $9/8 = 1.125$ | ? |
# | without bound | $1/2$ | too hot |
#
# At 1.477 the error is larger than the temperature. Which two rows have the solution between them?
# You can go on by hand: which $k$ would you try next?
#
# **Is there always a solution?** $g$ is continuous. At 0 it is 0 or larger, and it is bounded: the
# average of $Q$ in a state lies between what the prior gets and the maximum. So $g(\varepsilon) -
# \varepsilon$ starts at 0 or above, ends below 0, and crosses 0 on the way. **Is there only one?**
# Not for every $Q$ and $c$ (the book shows an example). On all inputs here there is exactly one,
# and it lies between 0 and 10.
#
# **How to find it?** A natural thought is to repeat $\varepsilon \leftarrow g(\varepsilon)$. Draw
# $g$ and the diagonal on paper, start somewhere and follow it. When $g$ falls slowly, you spiral
# in. And when it falls steeply? Some inputs are of that kind. What the paragraph above says about
# the *sign* of $g(\varepsilon) - \varepsilon$ is a method that cannot fail.
#
# **Look at the ends.** What is $\varepsilon$ when $Q = Q^*$? Will your function return it, or NaN?
# And when $\gamma = 0$, or when there is one action only: does the policy matter at all?
#
# ### What to write
#
# `eps_fixed_point(Q, P, R, rho, gamma, c, p)` returns the temperature, one number.
#
# - `c` is a number above 0 and `p` a number from 1 to 4, not always whole.
# - Forbidden actions have the weight 0 in the mean. `Q`, `R` and `P` hold finite numbers for them
#   too, sometimes large ones.
# - Where $\mathcal{T}_0 Q = Q$, the answer is 0. Elsewhere it lies between 0.002 and 10.
# - Values lie between -600 and 600.
# - The temperature must be right to about 3 digits, small ones too; where it is 0, to 1e-6.


# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    """The temperature that is its own Bellman error.

    Args:
        Q: values, shape (S, A), in units of reward.
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards, shape (S, A).
        rho: action prior, shape (S, A).
        gamma: the discount, a number from 0 up to below 1.
        c: the factor of the error, a number above 0.
        p: the power of the error, a number from 1 on.

    Returns:
        The solution of epsilon = g(epsilon), a number.
    """
    ### BEGIN SOLUTION
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        error = backup(Q, P, R, gamma, boltzmann(Q, rho, middle)) - Q
        if c / p * np.mean(np.sum(rho * np.abs(error) ** p, axis=1)) > middle:
            low = middle
        else:
            high = middle
    return high


def backup(Q, P, R, gamma, policy):
    """T Q under a policy, shape (S, A)."""
    return R + gamma * P @ np.sum(policy * Q, axis=1)
    ### END SOLUTION


# %% [markdown]
# **Check.** In the room with $c = 1$ and $p = 2$ the temperature lies between 1.477 and 2.056. For
# $Q = Q^* = (4, 8)$ it is 0. What becomes of both if `R` and `Q` are multiplied by 10, with $p =
# 2$ and with $p = 1$? In which of the two cases does the policy stay the same?

# %%
# A cell of your own.
print(eps_fixed_point(Q, P, R, rho, gamma, c=1.0, p=2.0))
print(eps_fixed_point(np.array([[4.0, 8.0]]), P, R, rho, gamma, c=1.0, p=2.0))

# %% check="eps_fixed_point" points=35
check("eps_fixed_point", eps_fixed_point)

# %% [markdown]
# ## Problem 3: one step of actor and critic
#
# The **actor** is the policy, the **critic** is $Q$. VIREL maximises one objective by turns, as EM
# does. With all probabilities known, one step is three lines:
#
# $$\begin{aligned}
# \text{temperature:} \quad & \varepsilon = g(\varepsilon) \quad \text{for the given } Q \\
# \text{actor:} \quad & \pi = \pi_\varepsilon \quad \text{for the given } Q \\
# \text{critic:} \quad & Q_{\text{next}} = \mathcal{T}_\varepsilon Q
# \end{aligned}$$
#
# All three come from the $Q$ that is given. The next step begins with $Q_{\text{next}}$: a new
# error, a new temperature, a new policy.
#
# **By hand.** Let the agent in the room know nothing: $Q = (0, 0)$, with $c = 1$ and $p = 2$. All
# actions tie, so the policy is the prior at every temperature. The errors are the rewards, 0 and
# 4, so
#
# $$\varepsilon = \tfrac12 \big( \tfrac12 \cdot 0^2 + \tfrac12 \cdot 4^2 \big) = 4, \qquad \pi =
# \big(\tfrac12, \tfrac12\big), \qquad Q_{\text{next}} = (0, 4).$$
#
# The next step starts from $(0, 4)$: that is the agent of problem 2. Which way does its
# temperature go? Where does all this end, and what is the temperature there?
#
# **Look at the end.** Let $Q = Q^*$. What are the three answers? So which $Q$ does a step leave as
# it is? Would that be true as well with a fixed temperature?
#
# ### What to write
#
# `virel_step(Q, P, R, rho, gamma, c, p)` returns `(policy, Q_next, epsilon)`, in this order: two
# arrays of shape (S, A) and a number.
#
# - What `Q_next` holds for a forbidden action does not count, as long as it is a number.
# - The inputs are those of problem 2.
# - The temperature is judged as in problem 2, the policy as in problem 1 *at the temperature that
#   you return*, and `Q_next` by the policy that you return. `Q_next` must be right to 4 digits.


# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    """One step of actor and critic.

    Args:
        Q: values, shape (S, A), in units of reward.
        P: transition probabilities, shape (S, A, S), indexed [s, a, s'].
        R: rewards, shape (S, A).
        rho: action prior, shape (S, A).
        gamma: the discount, a number from 0 up to below 1.
        c: the factor of the error, a number above 0.
        p: the power of the error, a number from 1 on.

    Returns:
        policy: pi(a | s) at the temperature of Q, shape (S, A).
        Q_next: T Q under this policy, shape (S, A).
        epsilon: the temperature of Q, a number.
    """
    ### BEGIN SOLUTION
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    policy = boltzmann(Q, rho, epsilon)
    return policy, backup(Q, P, R, gamma, policy), epsilon
    ### END SOLUTION


# %% [markdown]
# **Check.** From $(0, 0)$ the first step must give the numbers above. Take 20 steps and print the
# temperatures: how many digits of $Q^* = (4, 8)$ are right after them?

# %%
# A cell of your own.
values = np.zeros((1, 2))
for _ in range(3):
    policy, values, epsilon = virel_step(values, P, R, rho, gamma, c=1.0, p=2.0)
    print(np.round(policy, 3), np.round(values, 3), round(epsilon, 3))

# %% check="virel_step" points=30
check("virel_step", virel_step)

# %% [markdown]
# ## Problem 4: a hundred useless buttons
#
# Now the room has one good button, which pays 1, and $n$ useless ones, which pay 0. The prior is
# uniform. The cell below measures how often each agent presses a useless button: one with a fixed
# temperature of 1 and soft values, who plans for as long as it likes, and yours, step by step.
# Left you see the fixed one for growing $n$, right yours with a hundred useless buttons, and its
# temperature. (`matplotlib` is needed.)

# %%
import matplotlib.pyplot as plt


def buttons(n, good=1.0):
    """P, R and rho of a room with n useless buttons, and a good one, which comes last."""
    R = np.zeros((1, n + 1))
    R[0, -1] = good
    return np.ones((1, n + 1, 1)), R, np.full((1, n + 1), 1 / (n + 1))


def useless_at_fixed_temperature(n, alpha=1.0, gamma=0.9, sweeps=300):
    """How often the agent of the soft values presses a useless button."""
    P, R, rho = buttons(n)
    values = np.zeros_like(R)
    for _ in range(sweeps):
        soft = alpha * np.log(np.sum(rho * np.exp(values / alpha), axis=1))
        values = R + gamma * P @ soft
    return 1 - boltzmann(values, rho, alpha)[0, -1]


def cooling(n, gamma=0.9, c=1.0, p=2.0, steps=60):
    """Temperature, and how often a useless button is pressed, step by step."""
    P, R, rho = buttons(n)
    values, path = np.zeros_like(R), []
    for _ in range(steps):
        policy, values, epsilon = map(np.array, virel_step(values, P, R, rho, gamma, c, p))
        path.append((float(epsilon), 1 - policy[0, -1]))
    return np.array(path)


counts = [1, 2, 5, 10, 20, 50, 100]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
axes[0].semilogx(counts, [useless_at_fixed_temperature(n) for n in counts], "C3o-")
axes[0].set(xlabel="useless buttons", ylabel="how often one is pressed", ylim=(0, 1))
axes[0].set_title("temperature fixed at 1")
path = cooling(100)
axes[1].plot(path[:, 1], "C0", label="a useless button is pressed")
axes[1].plot(path[:, 0], "C1--", label="temperature")
axes[1].set(xlabel="step", ylim=(0, 1))
axes[1].set_title("adaptive, 100 useless buttons")
axes[1].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# **Play with it** before you write: other rewards (`good=10.0`, what does that do to the fixed
# agent?), other constants `c` and powers `p`, a fixed temperature of 0.1. How does your agent cool
# with `c=100`? (Far from 1, the equation may have several solutions, and yours need not be the
# smallest, which the book takes.)
#
# **Then write**, 150 to 300 words, in the cell below. A person reads and grades it.
#
# 1. Why does a fixed temperature fail on a hundred useless buttons? Say what decides between the
#    good button and the useless ones, and why more planning, or better values, do not help. Why is
#    a smaller fixed temperature not the answer to everything? (5 points)
# 2. What does adapting the temperature change? Say what it measures, what it does early and late,
#    and why the number of useless buttons no longer matters in the end. (5 points)
# 3. What does it cost? Name two costs or risks, and say where in your code, or in your
#    experiments, you met them. (5 points)

# %% [markdown] written="useless_buttons" points=15
# **A model answer.** All buttons lead back to the same room, so in the soft values the future is
# the same for all of them and cancels. The odds of the n useless buttons against the good one are
# n exp(-1 / alpha): at alpha = 1 and n = 100, 100 / e = 36.8, a probability of 0.974. Nothing in
# this improves with planning: the values are right, and the policy doubts them all the same. The
# temperature compares a difference of rewards with log n, the number of ways to do nothing. A
# fixed alpha far below 1 / log n would help here; but it depends on the scale of the rewards and
# on n, which one does not know beforehand, and an agent that is so cold from the start follows
# values that are still wrong, and explores little.
#
# The adaptive temperature is the mean Bellman error of the agent's own values. While these are
# wrong, the agent is hot, close to its prior, and tries buttons. As the backups make the values
# consistent, the error goes to 0, and so does epsilon. The odds, n exp(-gap / epsilon), then go to
# 0 for every n, since the gap stays and epsilon does not. At epsilon = 0 the values solve Bellman's
# equation without entropy: they are Q*, and the policy is optimal and deterministic up to ties.
#
# It costs: an equation to solve in every step, since the temperature is inside its own definition
# (60 evaluations in my bisection); the error of *all* pairs, weighted, with the expectation over
# next states inside the power: with a model that is one line, from samples it is biased, because
# the noise of one next state counts as error; two constants, c and p, which bring the scale of the
# rewards back in for p = 2. With c = 100 the agent cools far more slowly, and its equation has
# several solutions, between which my bisection jumped. Early on the agent still presses useless
# buttons, since it is hot.
#
# **Rubric.** For each of the three parts:
#
# - 5: the mechanism is named and right, with a formula, a number or an experiment behind it.
# - 3 to 4: the mechanism is right but asserted, or one of the questions in the part is left out.
# - 1 to 2: what happens is described ("it is too random", "it cools down"), not why.
# - 0: missing, or wrong in its core.
#
# Part 1 needs: the odds n exp(-gap / alpha), or that the prior (the entropy) counts buttons; that
# the values are right and do not cure it; one reason against a small fixed temperature (scale of
# the rewards or n unknown; wrong values believed too early). Saying that the values are badly
# learned is wrong: at most 1. Part 2 needs: epsilon measures the error of Q's own Bellman
# equation; hot while wrong, 0 when solved; the gap over epsilon grows without bound, so n does not
# matter. Saying that epsilon falls by a schedule is wrong: at most 2. Part 3 needs two of: the
# fixed point in each step; the error of all pairs, or the bias from samples; c and p to choose, the
# scale of the rewards; slow cooling when c is large; several solutions; hot and useless early. Two
# named without a place where they were met: at most 3. Do not take points for language or length.

# %% [markdown]
# ## Afterwards, without marks
#
# Compare with the library, in a cell of your own: `cs_infer.virel` takes the same steps until
# nothing moves. How many of your steps does it need?

# %%
# A cell of your own.
