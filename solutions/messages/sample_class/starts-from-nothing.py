# expected: log_backward=0 policy=17 forward=16 smooth=18
# about: a wrong idea in each problem
# ideas: base case of zero | prior where optimality is impossible | exponentials out of range | infinity minus infinity

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    S, A = rho.shape
    q = np.zeros((T, S, A))
    v = np.zeros((T, S))
    nxt = np.log(np.zeros(S))
    for t in range(T - 1, -1, -1):
        q[t] = reward_at(R, t) + lse(np.log(P) + nxt, 2)
        v[t] = lse(np.log(rho) + q[t], 1)
        nxt = v[t]
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    pi = np.zeros(log_beta_sa.shape)
    for t, s in np.ndindex(log_beta_s.shape):
        if log_beta_s[t, s] == -np.inf:
            pi[t, s] = rho[s]
        else:
            pi[t, s] = rho[s] * np.exp(log_beta_sa[t, s] - log_beta_s[t, s])
    return pi

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    f = [np.log(mu0)]
    for t in range(T - 1):
        joint = np.exp(f[-1][:, None] + np.log(rho) + reward_at(R, t))
        f.append(np.log(np.einsum("sa,san->n", joint, P)))
    return np.array(f)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    x = log_forward + log_beta_s
    z = np.logaddexp.reduce(x, axis=1, keepdims=True)
    return np.exp(x - z)
