# expected: log_backward=0 policy=17 forward=0 smooth=14
# about: a wrong idea in each problem
# ideas: last reward missing | zero divided by zero | probabilities returned | exponentials out of range

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    S, A = rho.shape
    q = np.zeros((T, S, A))   # base case: the last message is 1
    v = np.zeros((T, S))
    v[T - 1] = lse(np.log(rho) + 0 * reward_at(R, T - 1), 1)
    q[T - 1] = 0 * reward_at(R, T - 1)
    for t in range(T - 2, -1, -1):
        q[t] = reward_at(R, t) + lse(np.log(P) + v[t + 1], 2)
        v[t] = lse(np.log(rho) + q[t], 1)
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return np.exp(np.log(rho) + log_beta_sa - log_beta_s[:, :, None])

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
    return np.exp(f)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    w = np.exp(log_forward) * np.exp(log_beta_s)
    return w / w.sum(axis=1, keepdims=True)
