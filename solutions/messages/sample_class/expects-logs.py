# expected: log_backward=8 policy=0 forward=2 smooth=0
# about: a wrong idea in each problem
# ideas: average of the logarithms over next states | logarithms returned | policy in place of prior and reward | backward message divided out

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
        q[t] = reward_at(R, t) + P @ nxt
        v[t] = lse(np.log(rho) + q[t], 1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    v = np.where(np.isinf(log_beta_s), 0, log_beta_s)
    return np.log(rho) + log_beta_sa - v[:, :, None]

# %% solution="forward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    pi, v = np.zeros((T, S, A)), np.zeros(S)
    for t in reversed(range(T)):
        q = np.log(rho) + reward_at(R, t) + lse(np.log(P) + v, 2)
        v = lse(q, 1)
        pi[t] = np.exp(q - np.where(np.isinf(v), 0, v)[:, None])
    p = np.zeros((T, S))
    p[0] = mu0
    for t in range(T - 1):
        p[t + 1] = np.einsum("s,sa,san->n", p[t], pi[t], P)
    return np.log(p)

# %% solution="smooth"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def smooth(log_forward, log_beta_s):
    return softmax(log_forward - log_beta_s, axis=1)
