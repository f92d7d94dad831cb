# expected: log_backward=0 policy=0 forward=2 smooth=2
# about: a wrong idea in each problem
# ideas: prior added without its logarithm | prior added without its logarithm | normalised | not normalised

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
        v[t] = lse(q[t] + rho, axis=1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def policy(log_beta_sa, log_beta_s, rho):
    return softmax(log_beta_sa + rho, axis=2)

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
        x = (f[t][:, None] + np.log(rho) + reward_at(R, t))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    for t in range(T):
        f[t] = f[t] - log_sum(f[t])
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    return np.exp(log_forward + log_beta_s)
