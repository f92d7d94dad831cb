# expected: posterior_dynamics=19 opt_vs_var=32 min_lottery_p=15 belief_and_fact=19
# about: a wrong idea in each problem
# ideas: exponentials out of range, zeros put in | zero times infinity | too large and too small | zero times infinity

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    w = P * np.exp(log_beta_next)
    return np.nan_to_num(w / w.sum(axis=2, keepdims=True))

# %% solution="opt_vs_var"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def choose(Q, V, rho):
    V = np.where(np.isinf(V), 0.0, V)
    return np.exp(np.log(rho) + Q - V[:, None])

def opt_vs_var(P, R, rho, T):
    S, A = rho.shape
    V_opt, V_var = np.zeros((T + 1, S)), np.zeros((T + 1, S))
    pi_opt, pi_var = np.zeros((T, S, A)), np.zeros((T, S, A))
    for t in range(T - 1, -1, -1):
        r = reward_at(R, t)
        Q_opt = r + lse(np.log(P) + V_opt[t + 1], 2)
        Q_var = r + P @ V_var[t + 1]
        V_opt[t] = lse(np.log(rho) + Q_opt, 1)
        V_var[t] = lse(np.log(rho) + Q_var, 1)
        pi_opt[t] = choose(Q_opt, V_opt[t], rho)
        pi_var[t] = choose(Q_var, V_var[t], rho)
    return V_opt[:T], V_var[:T], pi_opt, pi_var

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    gap, safe = np.asarray(gap, dtype=float), np.asarray(safe, dtype=float)
    p = (np.exp(safe) - 1) / (np.exp(gap) - 1)
    return np.where(safe > gap, np.inf, np.where(safe <= 0, 0.0, p))

# %% solution="belief_and_fact"
def reweighted(p, log_beta):
    x = np.log(p) + log_beta
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)

def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T = len(policy)
    believed = obtained = 0.0
    hope, fact = reweighted(mu0, log_beta_s[0]), mu0
    for t in range(T):
        r = reward_at(R, t)
        hope_sa, fact_sa = hope[:, None] * policy[t], fact[:, None] * policy[t]
        believed += np.sum(hope_sa * r)
        obtained += np.sum(fact_sa * r)
        if t < T - 1:
            luck = reweighted(P, log_beta_s[t + 1])
            hope = np.tensordot(hope_sa, luck, axes=2)
            fact = np.tensordot(fact_sa, P, axes=2)
    return believed, obtained
