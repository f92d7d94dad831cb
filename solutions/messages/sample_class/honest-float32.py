# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: everything in 32 bits

# %% solution="log_backward"
def lse32(x, axis):
    m = x.max(axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, np.float32(0))
    return np.log(np.exp(x - m).sum(axis=axis)) + m.squeeze(axis)

def log_backward(P, R, rho, T):
    P, R, rho = (np.asarray(x, dtype=np.float32) for x in (P, R, rho))
    q = np.empty((T, *rho.shape), np.float32)
    v = np.zeros((T + 1, len(rho)), np.float32)
    for t in reversed(range(T)):
        q[t] = reward_at(R, t) + lse32(np.log(P) + v[t + 1], 2)
        v[t] = lse32(np.log(rho) + q[t], 1)
    return q, v[:T]

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    q, v, rho = (np.asarray(x, dtype=np.float32) for x in (log_beta_sa, log_beta_s, rho))
    return rho * np.exp(q - np.where(np.isinf(v), np.float32(0), v)[:, :, None])

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    P, R, rho, mu0 = (np.asarray(x, dtype=np.float32) for x in (P, R, rho, mu0))
    S, A = rho.shape
    into = np.log(P).reshape(S * A, S)
    f = np.empty((T, S), np.float32)
    f[0] = np.log(mu0)
    for t in range(T - 1):
        ways = (f[t][:, None] + np.log(rho) + reward_at(R, t)).reshape(S * A, 1)
        f[t + 1] = lse32(ways + into, 0)
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    x = np.float32(log_forward) + np.float32(log_beta_s)
    m = x.max(axis=1, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), np.float32(0), m))
    return w / np.maximum(w.sum(axis=1, keepdims=True), np.float32(1e-30))
