# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: loops over states and actions, one number at a time

# %% solution="log_backward"
def log_sum_exp(pairs):
    """log of sum p exp(x) over pairs (p, x)."""
    possible = [(p, x) for p, x in pairs if p > 0 and x > -math.inf]
    if not possible:
        return -math.inf
    top = max(x for p, x in possible)
    return top + math.log(sum(p * math.exp(x - top) for p, x in possible))

import math

def log_backward(P, R, rho, T):
    S, A = rho.shape
    sa = np.zeros((T, S, A))
    st = np.zeros((T + 1, S))
    for t in range(T - 1, -1, -1):
        r = reward_at(R, t)
        for s in range(S):
            for a in range(A):
                sa[t, s, a] = r[s, a] + log_sum_exp([(P[s, a, n], st[t + 1, n]) for n in range(S)])
            st[t, s] = log_sum_exp([(rho[s, a], sa[t, s, a]) for a in range(A)])
    return sa, st[:T]

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    T, S, A = log_beta_sa.shape
    pi = np.zeros((T, S, A))
    for t in range(T):
        for s in range(S):
            if log_beta_s[t, s] == -np.inf:
                continue
            for a in range(A):
                if rho[s, a] > 0:
                    pi[t, s, a] = rho[s, a] * math.exp(log_beta_sa[t, s, a] - log_beta_s[t, s])
    return pi

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    f = np.full((T, S), -np.inf)
    for s in range(S):
        if mu0[s] > 0:
            f[0, s] = math.log(mu0[s])
    for t in range(T - 1):
        r = reward_at(R, t)
        for n in range(S):
            f[t + 1, n] = log_sum_exp(
                [(rho[s, a] * P[s, a, n], f[t, s] + r[s, a]) for s in range(S) for a in range(A)]
            )
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    T, S = log_forward.shape
    p = np.zeros((T, S))
    for t in range(T):
        z = log_sum_exp([(1.0, log_forward[t, s] + log_beta_s[t, s]) for s in range(S)])
        if z > -math.inf:
            for s in range(S):
                p[t, s] = math.exp(log_forward[t, s] + log_beta_s[t, s] - z)
    return p
