# expected: posterior_dynamics=25 opt_vs_var=16 min_lottery_p=20 belief_and_fact=12
# about: wrong ideas in two problems
# ideas: - | average of the exact values | - | true dynamics in the belief
# like: honest-loops

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
        Q_opt = r + lse(np.log(P) + V_opt[t + 1], 2)
        Q_var = r + average(P, V_opt[t + 1])
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
    hope, fact = reweighted(mu0, log_beta_s[0]), mu0
    for t in range(T):
        r = reward_at(R, t)
        hope_sa, fact_sa = hope[:, None] * policy[t], fact[:, None] * policy[t]
        believed += hope_sa[hope_sa > 0] @ r[hope_sa > 0]
        obtained += fact_sa[fact_sa > 0] @ r[fact_sa > 0]
        if t < T - 1:
            luck = P  # the policy has the news already
            hope = np.tensordot(hope_sa, luck, axes=2)
            fact = np.tensordot(fact_sa, P, axes=2)
    return believed, obtained
