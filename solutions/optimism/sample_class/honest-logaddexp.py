# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: logaddexp.reduce, and an infinity kept out by hand

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    joint = np.log(P) + log_beta_next
    evidence = np.logaddexp.reduce(joint, axis=2, keepdims=True)
    return np.where(evidence > -np.inf, np.exp(joint - evidence), 0.0)

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    values, policies = [], []
    for optimistic in (True, False):
        V = [np.zeros(len(rho))]
        pi = []
        for t in reversed(range(T)):
            if optimistic:
                ahead = np.logaddexp.reduce(np.log(P) + V[0], axis=2)
            else:
                ahead = np.nan_to_num(P * V[0], nan=0.0, neginf=-np.inf).sum(axis=2)
            log_joint = np.log(rho) + reward_at(R, t) + ahead
            V.insert(0, np.logaddexp.reduce(log_joint, axis=1))
            pi.insert(0, np.nan_to_num(np.exp(log_joint - V[0][:, None]), nan=0.0))
        values.append(np.array(V[:-1]))
        policies.append(np.array(pi))
    return (*values, *policies)

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    p = np.where(safe < gap, np.expm1(-np.abs(safe)) / np.expm1(-gap) * np.exp(safe - gap), 1.0)
    return np.select([safe <= 0, safe > gap], [0.0, np.inf], p)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T = len(policy)
    R = np.broadcast_to(R, policy.shape)
    R = np.where(policy > 0, R, 0.0)
    first = np.log(mu0) + log_beta_s[0]
    hope = np.exp(first - np.logaddexp.reduce(first))
    fact = mu0
    believed = obtained = 0.0
    for t in range(T):
        believed += hope @ (policy[t] * R[t]).sum(axis=1)
        obtained += fact @ (policy[t] * R[t]).sum(axis=1)
        if t + 1 < T:
            luck = posterior_dynamics(P, log_beta_s[t + 1])
            hope = hope @ (policy[t][..., None] * luck).sum(axis=1)
            fact = fact @ (policy[t][..., None] * P).sum(axis=1)
    return believed, obtained
