# expected: posterior_dynamics=0 opt_vs_var=15 min_lottery_p=20 belief_and_fact=8
# about: wrong ideas in three problems
# ideas: dynamics left out | both optimistic | - | the fact starts with luck
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    S, A, _ = P.shape
    w = np.exp(log_beta_next - log_beta_next.max())
    return np.tile(w / w.sum(), (S, A, 1))

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
        Q_var = r + lse(np.log(P) + V_var[t + 1], 2)
        V_opt[t] = lse(np.log(rho) + Q_opt, 1)
        V_var[t] = lse(np.log(rho) + Q_var, 1)
        pi_opt[t] = choose(Q_opt, V_opt[t], rho)
        pi_var[t] = choose(Q_var, V_var[t], rho)
    return V_opt[:T], V_var[:T], pi_opt, pi_var

# %% solution="belief_and_fact"
def reweighted(p, log_beta):
    x = np.log(p) + log_beta
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)

def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T = len(policy)
    believed = obtained = 0.0
    hope = fact = reweighted(mu0, log_beta_s[0])
    for t in range(T):
        r = reward_at(R, t)
        hope_sa, fact_sa = hope[:, None] * policy[t], fact[:, None] * policy[t]
        believed += hope_sa[hope_sa > 0] @ r[hope_sa > 0]
        obtained += fact_sa[fact_sa > 0] @ r[fact_sa > 0]
        if t < T - 1:
            luck = reweighted(P, log_beta_s[t + 1])
            hope = np.tensordot(hope_sa, luck, axes=2)
            fact = np.tensordot(fact_sa, P, axes=2)
    return believed, obtained
