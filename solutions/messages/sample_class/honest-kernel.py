# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: actions summed first, in a kernel from state to state; log_beta_sa afterwards

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    S, A = rho.shape
    v = np.zeros((T + 1, S))
    for t in reversed(range(T)):
        log_W = lse((np.log(rho) + reward_at(R, t))[:, :, None] + np.log(P), axis=1)
        v[t] = lse(log_W + v[t + 1], axis=1)
    q = np.stack([reward_at(R, t) + lse(np.log(P) + v[t + 1], axis=2) for t in range(T)])
    return q, v[:-1]

# %% solution="policy"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def policy(log_beta_sa, log_beta_s, rho):
    return softmax(np.log(rho) + log_beta_sa, axis=2)

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    f = np.log(mu0)[None]
    while len(f) < T:
        r = reward_at(R, len(f) - 1)
        log_W = lse((np.log(rho) + r)[:, :, None] + np.log(P), axis=1)
        f = np.vstack([f, lse(f[-1][:, None] + log_W, axis=0)])
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    return softmax(log_forward + log_beta_s, axis=1)
