# expected: log_backward=0 policy=15 forward=2 smooth=16
# about: shifts and does not shift back, or puts zeros in for NaN
# ideas: shift not added again | exponentials before the difference, zeros put in | shift not added again | exponentials out of range, zeros put in
# like: honest-logaddexp

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis))

def log_backward(P, R, rho, T):
    q, v = np.zeros((T, *rho.shape)), np.zeros((T, len(rho)))
    after = np.zeros(len(rho))
    for t in range(T - 1, -1, -1):
        q[t] = reward_at(R, t) + lse(np.log(P) + after, 2)
        v[t] = after = lse(np.log(rho) + q[t], 1)
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    pi = rho * np.exp(log_beta_sa) / np.exp(log_beta_s)[:, :, None]
    return np.nan_to_num(pi)

# %% solution="forward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis))

def forward(P, R, rho, mu0, T):
    f = np.zeros((T, len(mu0)))
    f[0] = np.log(mu0)
    for t in range(T - 1):
        x = f[t][:, None] + np.log(rho) + reward_at(R, t)
        f[t + 1] = lse(x[:, :, None] + np.log(P), (0, 1))
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    p = np.exp(log_forward + log_beta_s)
    p = p / p.sum(axis=1, keepdims=True)
    p[np.isnan(p)] = 0
    return p
