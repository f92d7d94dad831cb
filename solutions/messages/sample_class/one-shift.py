# expected: log_backward=38 policy=20 forward=20 smooth=20
# about: a wrong idea in the first problem
# ideas: one shift for all states | - | - | -
# like: honest-logaddexp

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    S, A = rho.shape
    q = np.zeros((T, S, A))
    v = np.zeros((T, S))
    nxt = np.zeros(len(rho))
    for t in range(T - 1, -1, -1):
        m = np.max(nxt)
        m = m if m > -np.inf else 0
        q[t] = reward_at(R, t) + np.log(P @ np.exp(nxt - m)) + m
        k = np.max(q[t])
        k = k if k > -np.inf else 0
        v[t] = np.log((rho * np.exp(q[t] - k)).sum(axis=1)) + k
        nxt = v[t]
    return q, v
