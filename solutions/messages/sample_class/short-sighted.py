# expected: log_backward=5 policy=0 forward=2 smooth=0
# about: a wrong idea in each problem
# ideas: no look-ahead | prior missing | rewards missing | backward alone

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    S, A = rho.shape
    q = np.array([reward_at(R, t) for t in range(T)])
    top = q.max(axis=2)
    top[np.isinf(top)] = 0
    v = np.log((rho * np.exp(q - top[:, :, None])).sum(axis=2)) + top
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return np.exp(log_beta_sa - log_beta_s[:, :, None])

# %% solution="forward"
def log_sum(x):
    m = max(x)
    if m == -np.inf:
        return m
    return m + np.log(sum(np.exp(y - m) for y in x))

def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    f = np.zeros((T, S))
    f[0] = np.log(mu0)
    for t in range(T - 1):
        x = (f[t][:, None] + np.log(rho))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def smooth(log_forward, log_beta_s):
    return softmax(log_beta_s, 1)
