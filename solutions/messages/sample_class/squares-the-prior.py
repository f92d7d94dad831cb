# expected: log_backward=0 policy=0 forward=17 smooth=20
# about: the prior twice; the evidence of the next step; no way for impossible paths
# ideas: prior counted twice | message of the next step | infinity minus infinity | -
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
        q[t] = reward_at(R, t) + lse(np.log(P) + after, 2)
        v[t] = after = lse(2 * np.log(rho) + q[t], 1)
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    evidence = np.vstack([log_beta_s, 0 * log_beta_s[:1]])[1:]
    evidence[-1] = 0
    return rho * np.exp(log_beta_sa - evidence[:, :, None])

# %% solution="forward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def forward(P, R, rho, mu0, T):
    f = np.zeros((T, len(mu0)))
    f[0] = np.log(mu0)
    for t in range(T - 1):
        x = f[t][:, None] + np.log(rho) + reward_at(R, t)
        f[t + 1] = lse(x[:, :, None] + np.log(P), (0, 1))
    return f
