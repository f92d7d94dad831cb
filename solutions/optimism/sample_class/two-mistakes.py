# expected: posterior_dynamics=15 opt_vs_var=15 min_lottery_p=5 belief_and_fact=17
# about: several mistakes in one function; the report names those it can tell apart
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    # no shift, and the true dynamics where nothing is left
    w = P * np.exp(log_beta_next)
    total = w.sum(axis=2, keepdims=True)
    return np.where(total > 0, w / total, P)

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    # plain average in both, and no shift
    V, pi = np.zeros((T + 1, len(rho))), np.zeros((T, *rho.shape))
    for t in reversed(range(T)):
        Q = reward_at(R, t) + P @ V[t + 1]
        V[t] = np.log((rho * np.exp(Q)).sum(axis=1))
        pi[t] = rho * np.exp(Q - V[t][:, None])
    return V[:T], V[:T], pi, pi

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    # expected value, and the wrong end
    return np.clip(np.asarray(safe) / gap, 0, 1)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    # no shift, and 0 * -inf
    hope = mu0 * np.exp(log_beta_s[0])
    hope, fact = hope / hope.sum(), mu0
    believed = obtained = 0.0
    for t in range(len(policy)):
        believed += hope @ (policy[t] * reward_at(R, t)).sum(axis=1)
        obtained += fact @ (policy[t] * reward_at(R, t)).sum(axis=1)
        if t + 1 < len(policy):
            luck = P * np.exp(log_beta_s[t + 1])
            luck = luck / luck.sum(axis=2, keepdims=True)
            hope = np.einsum("s,sa,san->n", hope, policy[t], luck)
            fact = np.einsum("s,sa,san->n", fact, policy[t], P)
    return believed, obtained
