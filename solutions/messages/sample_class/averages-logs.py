# expected: log_backward=0 policy=0 forward=2 smooth=0
# about: a wrong idea in each problem
# ideas: average of the logarithms over actions | best action only | prior added without its logarithm | averaged

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    S, A = rho.shape
    q, v = np.zeros((T, S, A)), np.zeros((T, S))
    for t in reversed(range(T)):
        for s in range(S):
            for a in range(A):
                logs = [np.log(P[s, a, n]) + (v[t + 1, n] if t + 1 < T else 0.0)
                        for n in range(S) if P[s, a, n] > 0]
                q[t, s, a] = reward_at(R, t)[s, a] + np.logaddexp.reduce(logs)
            # the value of a state is the expected value of its actions
            v[t, s] = sum(rho[s, a] * q[t, s, a] for a in range(A) if rho[s, a] > 0)
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    pi = np.zeros(log_beta_sa.shape)
    for t in range(pi.shape[0]):
        for s in range(pi.shape[1]):
            pi[t, s, np.argmax(log_beta_sa[t, s])] = 1
    return pi

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
        x = (f[t][:, None] + rho + reward_at(R, t))[:, :, None] + np.log(P)
        f[t + 1] = [log_sum(x[:, :, n].ravel()) for n in range(S)]
    return f

# %% solution="smooth"
def softmax(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0.0, m))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)

def smooth(log_forward, log_beta_s):
    return 0.5 * softmax(log_forward, 1) + 0.5 * softmax(log_beta_s, 1)
