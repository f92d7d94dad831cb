# expected: log_backward=34 policy=20 forward=8 smooth=20
# about: adds 1e-12 before every logarithm, to avoid -inf
# like: honest-logaddexp
# why: rare is not impossible; the report says so in the words of the property

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    q, v = np.zeros((T,) + rho.shape), np.zeros((T + 1, len(rho)))
    for t in reversed(range(T)):
        q[t] = reward_at(R, t) + lse(np.log(P + 1e-12) + v[t + 1], 2)
        v[t] = lse(np.log(rho + 1e-12) + q[t], 1)
    return q, v[:T]

# %% solution="forward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def forward(P, R, rho, mu0, T):
    f = np.zeros((T, len(mu0)))
    f[0] = np.log(mu0 + 1e-12)
    for t in range(T - 1):
        joint = f[t][:, None] + np.log(rho + 1e-12) + reward_at(R, t)
        f[t + 1] = np.log((np.exp(joint)[:, :, None] * P).sum(axis=(0, 1)) + 1e-12)
    return f
