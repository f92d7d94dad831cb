# expected: log_backward=0 policy=0 forward=2 smooth=2
# about: signs and ratios the wrong way round
# ideas: sign of the reward | ratio upside down | prior taken for uniform | messages of different steps
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
        q[t] = -reward_at(R, t) + lse(np.log(P) + after, 2)
        v[t] = after = lse(np.log(rho) + q[t], 1)
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return rho * np.exp(log_beta_s[:, :, None] - log_beta_sa)

# %% solution="forward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def forward(P, R, rho, mu0, T):
    f = np.zeros((T, len(mu0)))
    f[0] = np.log(mu0)
    for t in range(T - 1):
        x = f[t][:, None] + np.log(1 / rho.shape[1]) + reward_at(R, t)
        f[t + 1] = lse(x[:, :, None] + np.log(P), (0, 1))
    return f

# %% solution="smooth"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def smooth(log_forward, log_beta_s):
    after = np.vstack([log_beta_s[1:], 0 * log_beta_s[:1]])
    after[-1] = 0
    return softmax(log_forward + after, 1)
