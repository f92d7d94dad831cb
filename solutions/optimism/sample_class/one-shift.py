# expected: posterior_dynamics=19 opt_vs_var=34 min_lottery_p=18 belief_and_fact=20
# about: wrong ideas in three problems
# ideas: one shift for all rows | one shift for all states | digits cancel | -
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    w = P * np.exp(log_beta_next - np.max(log_beta_next))
    return w / np.einsum('san->sa', w)[..., None]

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
        top = V_opt[t + 1].max()
        top = 0.0 if np.isinf(top) else top
        Q_opt = r + np.log(P @ np.exp(V_opt[t + 1] - top)) + top
        Q_var = r + average(P, V_var[t + 1])
        V_opt[t] = lse(np.log(rho) + Q_opt, 1)
        V_var[t] = lse(np.log(rho) + Q_var, 1)
        pi_opt[t] = choose(Q_opt, V_opt[t], rho)
        pi_var[t] = choose(Q_var, V_var[t], rho)
    return V_opt[:T], V_var[:T], pi_opt, pi_var

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    gap, safe = np.asarray(gap, dtype=float), np.asarray(safe, dtype=float)
    p = np.exp(safe - gap) * (1 - np.exp(-safe)) / (1 - np.exp(-gap))
    return np.where(safe > gap, np.inf, np.where(safe <= 0, 0.0, p))
