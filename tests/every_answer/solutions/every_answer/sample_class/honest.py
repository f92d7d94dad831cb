# expected: log_total=10 best_arm=10 soft_policy=10 way_home=10 fit=10
# about: plain loops, closures and a table

# %% solution="log_total"
def log_total(log_weight, n):
    largest = max(log_weight(i) for i in range(n))
    return largest + np.log(sum(np.exp(log_weight(i) - largest) for i in range(n)))

# %% solution="best_arm"
def best_arm(pull, arms):
    wins = [0] * arms
    for _ in range(300):
        for arm in range(arms):
            wins[arm] += pull(arm)
    return wins.index(max(wins))

# %% solution="soft_policy"
def soft_policy(Q, temperature):
    def policy(state):
        w = [np.exp((q - max(Q[state])) / temperature) for q in Q[state]]
        return [x / sum(w) for x in w]
    return policy

# %% solution="way_home"
def way_home(P, R, horizon):
    V = np.zeros(len(P))
    for _ in range(horizon):
        V = (R + P @ V).max(axis=1)
    return (R + P @ V).argmax(axis=1)

# %% solution="fit"
def fit(x, y):
    A = np.hstack([x, np.ones((len(x), 1))])
    solution = np.linalg.solve(A.T @ A, A.T @ y)
    return {"weight": solution[:-1], "bias": solution[-1]}

# %% solution="why"
Because $\exp(-5000)$ is $0$ in a float. If $a<b$ then $a - b$ is small & exact.
