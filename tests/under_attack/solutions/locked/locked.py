# %% [markdown]
# # A small assignment, under siege

# %% given="setup"
import numpy as np

from cs_infer.practice import check

# %% solution="softmax"
def softmax(x):
    """exp(x), divided by its sum."""
    ### BEGIN SOLUTION
    weight = np.exp(x - np.max(x))
    return weight / weight.sum()
    ### END SOLUTION

# %% check="softmax" points=10
check("softmax", softmax)

# %% solution="log_total"
def log_total(x):
    """The logarithm of the sum of exp(x)."""
    ### BEGIN SOLUTION
    return np.max(x) + np.log(np.exp(x - np.max(x)).sum())
    ### END SOLUTION

# %% check="log_total" points=10
check("log_total", log_total)

# %% solution="inverse"
def inverse(f):
    """The function g with g(f(x)) = x, for a linear f."""
    ### BEGIN SOLUTION
    offset, slope = f(0.0), f(1.0) - f(0.0)
    return lambda y: (y - offset) / slope
    ### END SOLUTION

# %% check="inverse" points=10
check("inverse", inverse)
