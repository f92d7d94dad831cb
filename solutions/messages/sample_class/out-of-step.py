# expected: log_backward=36 policy=20 forward=20 smooth=20
# about: a wrong idea in the first problem
# ideas: reward of the next step | - | - | -
# like: honest-logaddexp

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    S, A = rho.shape
    q = np.zeros((T, S, A))
    v = np.zeros((T, S))
    nxt = np.zeros(len(rho))
    for t in range(T - 1, -1, -1):
        r = reward_at(R, min(t + 1, T - 1))
        q[t] = r + lse(np.log(P) + nxt, 2)
        v[t] = lse(np.log(rho) + q[t], 1)
        nxt = v[t]
    return q, v
