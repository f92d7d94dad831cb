# expected: log_backward=0 policy=12 forward=18 smooth=0
# about: a wrong idea in each problem
# ideas: transition read backwards | exponentials before the difference | reward of the next step | logarithms returned

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
        # sum over s' of P(s' | s, a)
        x = np.log(P) + nxt[:, None, None]
        q[t] = reward_at(R, t) + lse(x, 0).T
        v[t] = lse(np.log(rho) + q[t], 1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return rho * np.exp(log_beta_sa) / np.exp(log_beta_s)[:, :, None]

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
        x = (f[t][:, None] + np.log(rho) + reward_at(R, t + 1))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    x = log_forward + log_beta_s
    z = np.logaddexp.reduce(x, axis=1, keepdims=True)
    return x - np.where(np.isinf(z), 0, z)
