# expected: log_backward=0 policy=0 forward=18 smooth=0
# about: counts something twice, or divides by too little
# ideas: reward counted twice | prior counted twice | rewards of the first step | divided by what the past says
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
        q[t] = 2 * reward_at(R, t) + lse(np.log(P) + after, 2)
        v[t] = after = lse(np.log(rho) + q[t], 1)
    return q, v

# %% solution="policy"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def policy(log_beta_sa, log_beta_s, rho):
    return softmax(2 * np.log(rho) + log_beta_sa, 2)

# %% solution="forward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def forward(P, R, rho, mu0, T):
    f = np.zeros((T, len(mu0)))
    f[0] = np.log(mu0)
    for t in range(T - 1):
        x = f[t][:, None] + np.log(rho) + reward_at(R, 0)
        f[t + 1] = lse(x[:, :, None] + np.log(P), (0, 1))
    return f

# %% solution="smooth"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def smooth(log_forward, log_beta_s):
    return np.exp(log_forward + log_beta_s - lse(log_forward, 1)[:, None])
