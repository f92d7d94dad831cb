# expected: log_total=0 best_arm=0 soft_policy=0 way_home=0 fit=0
# about: asks for what there is not, answers of the wrong kind, functions that fail later

# %% solution="log_total"
def log_total(log_weight, n):
    return np.logaddexp.reduce([log_weight(i + 1) for i in range(n)])


# %% solution="best_arm"
def best_arm(pull, arms):
    return pull


# %% solution="soft_policy"
def soft_policy(Q, temperature):
    return lambda: Q[0] / temperature


# %% solution="way_home"
def way_home(P, R, horizon):
    return lambda state: {}["home"]


# %% solution="fit"
def fit(x, y):
    return {"weights": x[0], "bias": 0.0}
