# expected: log_backward=0 policy=20 forward=19 smooth=18
# about: a wrong idea in most problems
# ideas: own reward missing | - | one shift for all states | uniform where optimality is impossible
# like: honest-logaddexp

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
        q[t] = lse(np.log(P) + nxt, 2)
        v[t] = lse(np.log(rho) + reward_at(R, t) + q[t], 1)
        nxt = v[t]
    return q, v

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    f = [np.log(mu0)]
    for t in range(T - 1):
        joint = f[-1][:, None] + np.log(rho) + reward_at(R, t)
        m = joint.max()
        m = m if np.isfinite(m) else 0.0
        f.append(np.log(np.einsum("sa,san->n", np.exp(joint - m), P)) + m)
    return np.array(f)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    T, S = log_forward.shape
    p = np.full((T, S), 1 / S)
    for t in range(T):
        x = log_forward[t] + log_beta_s[t]
        if x.max() > -np.inf:
            w = np.exp(x - x.max())
            p[t] = w / w.sum()
    return p
