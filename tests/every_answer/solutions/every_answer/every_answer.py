# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Every kind of answer
#
# One small problem for each kind of answer that can be graded.
#
# | problem | what you write | points |
# |---|---|---|
# | 1 | `log_total`: a function that is handed a function | 10 |
# | 2 | `best_arm`: one that plays a game with the grader | 10 |
# | 3 | `soft_policy`: one that returns a function | 10 |
# | 4 | `way_home`: one that returns a policy, which is rolled out | 10 |
# | 5 | `fit`: one that returns trained parameters | 10 |
# | 6 | an answer in words, which a person reads | 10 |

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% [markdown]
# ## 1. The logarithm of a sum
#
# `log_total(log_weight, n)` is handed a function: `log_weight(i)` is the logarithm of a positive
# weight. Return the logarithm of the sum of the weights for `i` from `0` to `n - 1`. The
# logarithms may be as low as -5,000.


# %% solution="log_total"
def log_total(log_weight, n):
    ### BEGIN SOLUTION
    return np.logaddexp.reduce([log_weight(i) for i in range(n)])
    ### END SOLUTION


# %% check="log_total" points=10
check("log_total", log_total)

# %% [markdown]
# ## 2. The best arm
#
# `best_arm(pull, arms)` may call `pull(arm)` as often as it likes, up to 5,000 times. Each call
# gives a random number: 1 for a win, else 0. One arm wins seven times out of ten, the others three
# times. Return the number of that arm, from `0` to `arms - 1`.


# %% solution="best_arm"
def best_arm(pull, arms):
    ### BEGIN SOLUTION
    return np.argmax([sum(pull(arm) for _ in range(500)) for arm in range(arms)])
    ### END SOLUTION


# %% check="best_arm" points=10
check("best_arm", best_arm)

# %% [markdown]
# ## 3. A policy as a function
#
# `soft_policy(Q, temperature)` returns a *function*. That function takes a `state` and returns the
# probabilities of the actions there: proportional to `exp(Q[state, a] / temperature)`.


# %% solution="soft_policy"
def soft_policy(Q, temperature):
    ### BEGIN SOLUTION
    def policy(state):
        weights = np.exp((Q[state] - Q[state].max()) / temperature)
        return weights / weights.sum()

    return policy
    ### END SOLUTION


# %% check="soft_policy" points=10
check("soft_policy", soft_policy)

# %% [markdown]
# ## 4. The way home
#
# In `way_home(P, R, horizon)`, `P[s, a, s_next]` is the probability of a move and `R[s, a]` the
# reward. Return a policy that earns as much as can be earned in `horizon` steps from state 0, or
# nearly so: an array with the action for each state, or a function `state -> action`. It is rolled
# out.


# %% solution="way_home"
def way_home(P, R, horizon):
    ### BEGIN SOLUTION
    V = np.zeros(len(P))
    for _ in range(horizon):
        Q = R + P @ V
        V = Q.max(axis=1)
    return Q.argmax(axis=1)
    ### END SOLUTION


# %% check="way_home" points=10
check("way_home", way_home)

# %% [markdown]
# ## 5. A line through points
#
# `fit(x, y)` returns the parameters of a linear model as a dict: `weight`, as long as a row of
# `x`, and `bias`, a number. They are tried on points that you have not seen.


# %% solution="fit"
def fit(x, y):
    ### BEGIN SOLUTION
    with_one = np.column_stack([x, np.ones(len(x))])
    *weight, bias = np.linalg.lstsq(with_one, y, rcond=None)[0]
    return {"weight": np.array(weight), "bias": bias}
    ### END SOLUTION


# %% check="fit" points=10
check("fit", fit)

# %% [markdown]
# ## 6. Why?
#
# Why is the sum in problem 1 not computed with `np.log(np.sum(np.exp(...)))`? Two sentences.

# %% [markdown] written="why" points=10
# `exp(-5000)` is 0 in floating point, so that the logarithm of the sum would be minus infinity.
# Taking out the largest term first keeps it.
