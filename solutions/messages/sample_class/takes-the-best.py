# expected: log_backward=0 policy=0 forward=2 smooth=2
# about: a wrong idea in each problem
# ideas: maximum over actions | normalised over states and actions | prior dropped | each normalised, their product not

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
        v[t] = q[t].max(axis=1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def policy(log_beta_sa, log_beta_s, rho):
    x = np.log(rho) + log_beta_sa
    return np.array([softmax(step.ravel(), 0).reshape(step.shape) for step in x])

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
        x = (f[t][:, None] + reward_at(R, t))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def smooth(log_forward, log_beta_s):
    return softmax(log_forward, 1) * softmax(log_beta_s, 1)
