# expected: log_backward=32 policy=20 forward=20 smooth=20
# about: a wrong idea in the first problem
# ideas: exponentials out of range | - | - | -
# like: honest-logaddexp

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    S, A = rho.shape
    q = np.zeros((T, S, A))
    v = np.zeros((T, S))
    nxt = np.zeros(len(rho))
    for t in range(T - 1, -1, -1):
        q[t] = reward_at(R, t) + np.log((P * np.exp(nxt)).sum(axis=2))
        v[t] = np.log((rho * np.exp(q[t])).sum(axis=1))
        nxt = v[t]
    return q, v
