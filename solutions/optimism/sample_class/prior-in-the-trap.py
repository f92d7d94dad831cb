# expected: posterior_dynamics=23 opt_vs_var=32 min_lottery_p=12 belief_and_fact=20
# about: wrong ideas in three problems
# ideas: one shift for all rows, zeros put in | prior where success is impossible | formula alone | -
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    w = P * np.exp(log_beta_next - np.max(log_beta_next))
    total = w.sum(axis=2, keepdims=True)
    return np.where(total > 0, w / total, 0.0)

# %% solution="opt_vs_var"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def average(P, v):
    return np.sum(P * np.where(P > 0, v, 0.0), axis=2)

def choose(Q, V, rho):
    safe = np.where(np.isinf(V), 0.0, V)
    pi = np.exp(np.log(rho) + Q - safe[:, None])
    return np.where(np.isinf(V)[:, None], rho, pi)

def opt_vs_var(P, R, rho, T):
    S, A = rho.shape
    V_opt, V_var = np.zeros((T + 1, S)), np.zeros((T + 1, S))
    pi_opt, pi_var = np.zeros((T, S, A)), np.zeros((T, S, A))
    for t in range(T - 1, -1, -1):
        r = reward_at(R, t)
        Q_opt = r + lse(np.log(P) + V_opt[t + 1], 2)
        Q_var = r + average(P, V_var[t + 1])
        V_opt[t] = lse(np.log(rho) + Q_opt, 1)
        V_var[t] = lse(np.log(rho) + Q_var, 1)
        pi_opt[t] = choose(Q_opt, V_opt[t], rho)
        pi_var[t] = choose(Q_var, V_var[t], rho)
    return V_opt[:T], V_var[:T], pi_opt, pi_var

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    return np.exp(safe - gap) * np.expm1(-safe) / np.expm1(-gap)
