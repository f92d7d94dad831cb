# expected: log_backward=8 policy=0 forward=0 smooth=0
# about: a wrong idea in each problem
# ideas: best next state | advantage returned | start without its logarithm | logarithms multiplied

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    S, A = rho.shape
    q, v = np.zeros((T, S, A)), np.zeros((T + 1, S))
    for t in reversed(range(T)):
        for s in range(S):
            for a in range(A):
                q[t, s, a] = reward_at(R, t)[s, a] + max(v[t + 1, P[s, a] > 0])
            v[t, s] = np.logaddexp.reduce(np.log(rho[s]) + q[t, s])
    return q, v[:T]

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return log_beta_sa - log_beta_s[..., np.newaxis]

# %% solution="forward"
def log_sum(x):
    m = max(x)
    if m == -np.inf:
        return m
    return m + np.log(sum(np.exp(y - m) for y in x))

def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    f = np.zeros((T, S))
    f[0] = mu0
    for t in range(T - 1):
        x = (f[t][:, None] + np.log(rho) + reward_at(R, t))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    w = log_forward * log_beta_s
    return w / w.sum(axis=1, keepdims=True)
