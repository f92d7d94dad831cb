# expected: log_backward=36 policy=20 forward=20 smooth=20
# about: reads the rewards from the wrong end
# ideas: rewards in reverse order | - | - | -
# like: honest-logaddexp

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    q, v = np.zeros((T, *rho.shape)), np.zeros((T, len(rho)))
    after = np.zeros(len(rho))
    for t in range(T - 1, -1, -1):
        q[t] = reward_at(R, T - 1 - t) + lse(np.log(P) + after, 2)
        v[t] = after = lse(np.log(rho) + q[t], 1)
    return q, v
