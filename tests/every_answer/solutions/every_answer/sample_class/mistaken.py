# expected: log_total=6 best_arm=0 soft_policy=0 way_home=0 fit=0
# about: in every problem the most likely mistake
# ideas: underflow | one pull | greedy | greedy for rewards | no bias

# %% solution="log_total"
def log_total(log_weight, n):
    return np.log(sum(np.exp(log_weight(i)) for i in range(n)))


# %% solution="best_arm"
def best_arm(pull, arms):
    return np.argmax([pull(arm) for arm in range(arms)])


# %% solution="soft_policy"
def soft_policy(Q, temperature):
    return lambda state: np.eye(Q.shape[1])[np.argmax(Q[state])]


# %% solution="way_home"
def way_home(P, R, horizon):
    return lambda state: np.argmax(R[state])


# %% solution="fit"
def fit(x, y):
    return {"weight": np.linalg.pinv(x) @ y, "bias": 0}
