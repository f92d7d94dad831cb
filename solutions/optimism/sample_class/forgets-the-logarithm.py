# expected: posterior_dynamics=0 opt_vs_var=9 min_lottery_p=5 belief_and_fact=20
# about: wrong ideas in three problems
# ideas: P added to a logarithm | logarithm missing | logarithm missing | -
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    x = P + log_beta_next
    x = np.exp(x - x.max(axis=2, keepdims=True))
    return x / x.sum(axis=2, keepdims=True)

# %% solution="opt_vs_var"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def average(P, v):
    return np.sum(P * np.where(P > 0, v, 0.0), axis=2)

def choose(Q, V, rho):
    V = np.where(np.isinf(V), 0.0, V)
    return np.exp(np.log(rho) + Q - V[:, None])

def opt_vs_var(P, R, rho, T):
    S, A = rho.shape
    V_opt, V_var = np.zeros((T + 1, S)), np.zeros((T + 1, S))
    pi_opt, pi_var = np.zeros((T, S, A)), np.zeros((T, S, A))
    for t in range(T - 1, -1, -1):
        r = reward_at(R, t)
        Q_opt = r + P @ np.exp(V_opt[t + 1])
        Q_var = r + average(P, V_var[t + 1])
        V_opt[t] = lse(np.log(rho) + Q_opt, 1)
        V_var[t] = lse(np.log(rho) + Q_var, 1)
        pi_opt[t] = choose(Q_opt, V_opt[t], rho)
        pi_var[t] = choose(Q_var, V_var[t], rho)
    return V_opt[:T], V_var[:T], pi_opt, pi_var

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    gap, safe = np.asarray(gap, dtype=float), np.asarray(safe, dtype=float)
    p = (safe - 1) / np.expm1(gap)
    return np.where(safe > gap, np.inf, np.where(safe <= 0, 0.0, p))
