# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: a hidden Markov chain over pairs of state and action

# %% solution="log_backward"
def log_dot(A, x):
    """log of exp(A) @ exp(x), row by row."""
    z = A + x
    m = z.max(axis=1)
    m[np.isinf(m)] = 0
    return np.log(np.exp(z - m[:, None]).sum(axis=1)) + m

def log_backward(P, R, rho, T):
    S, A = rho.shape
    # log p(s', a' | s, a): a pair is s * A + a
    move = (np.log(P)[:, :, :, None] + np.log(rho)).reshape(S * A, S * A)
    look = [np.ravel(reward_at(R, t)) for t in range(T)]
    pairs = [look[T - 1]]
    for t in range(T - 2, -1, -1):
        pairs.append(look[t] + log_dot(move, pairs[-1]))
    q = np.array(pairs[::-1]).reshape(T, S, A)
    pick = np.full((S, S * A), -np.inf)
    for s in range(S):
        pick[s, s * A:(s + 1) * A] = np.log(rho[s])
    # a pair of another state has -inf, whatever its message is
    v = np.array([log_dot(pick, np.where(np.isinf(x), -np.inf, x).ravel()) for x in q])
    return q, v

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    T, S, A = log_beta_sa.shape
    sure = log_beta_s > -np.inf
    pi = np.zeros_like(log_beta_sa)
    t, s = np.nonzero(sure)
    pi[t, s] = rho[s] * np.exp(log_beta_sa[t, s] - log_beta_s[t, s][:, None])
    return pi

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    back = np.log(P).reshape(S * A, S).T
    rows = [np.log(mu0)]
    for t in range(T - 1):
        pair = (rows[-1][:, None] + np.log(rho) + reward_at(R, t)).ravel()
        rows.append(log_dot(back, pair))
    return np.array(rows)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    joint = log_forward + log_beta_s
    evidence = log_dot(joint, np.zeros(joint.shape[1]))
    evidence[np.isinf(evidence)] = 0
    return np.exp(joint - evidence[:, None])
