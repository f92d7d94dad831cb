# expected: log_backward=0 policy=0 forward=0 smooth=0
# about: a wrong idea in each problem
# ideas: softmax for the soft maximum | logarithms divided | start taken for uniform | probabilities added

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
        q[t] = reward_at(R, t) + lse(np.log(P) + nxt, 2)
        x = np.log(rho) + q[t]
        m = x.max(axis=1, keepdims=True)
        m[np.isinf(m)] = 0
        w = np.exp(x - m)
        total = w.sum(axis=1, keepdims=True)
        softmax = w / np.where(total == 0, 1, total)
        v[t] = (softmax * np.where(softmax > 0, q[t], 0)).sum(axis=1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return rho * log_beta_sa / log_beta_s[:, :, None]

# %% solution="forward"
def log_sum(x):
    m = max(x)
    if m == -np.inf:
        return m
    return m + np.log(sum(np.exp(y - m) for y in x))

def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    f = np.zeros((T, S))
    f[0] = np.log(np.ones(S) / S)
    for t in range(T - 1):
        x = (f[t][:, None] + np.log(rho) + reward_at(R, t))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    w = np.exp(log_forward) + np.exp(log_beta_s)
    return w / w.sum(axis=1, keepdims=True)
