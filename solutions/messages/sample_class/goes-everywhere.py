# expected: log_backward=0 policy=0 forward=2 smooth=0
# about: a wrong idea in each problem
# ideas: transition probabilities missing | divided twice | best path only | most probable state only

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
        q[t] = reward_at(R, t) + lse(nxt, 0)
        v[t] = lse(np.log(rho) + q[t], 1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    advantage = log_beta_sa - log_beta_s[:, :, None]
    return np.exp(advantage) / np.exp(log_beta_sa).sum(axis=-1, keepdims=True)

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    f = np.zeros((T, S))
    f[0] = np.log(mu0)
    for t in range(T - 1):
        x = (f[t][:, None] + np.log(rho) + reward_at(R, t))[:, :, None] + np.log(P)
        f[t + 1] = [max(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    best = np.argmax(log_forward + log_beta_s, axis=1)
    return np.eye(log_forward.shape[1])[best]
