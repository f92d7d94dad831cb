# expected: posterior_dynamics=25 opt_vs_var=0 min_lottery_p=20 belief_and_fact=0
# about: the base case is part of the answer, and one message too many is asked for
# like: honest-loops

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    V, W = np.zeros((T + 1, len(rho))), np.zeros((T + 1, len(rho)))
    pi, nu = np.zeros((T, *rho.shape)), np.zeros((T, *rho.shape))
    for t in reversed(range(T)):
        Q = reward_at(R, t) + np.log(P @ np.exp(V[t + 1]))
        U = reward_at(R, t) + P @ W[t + 1]
        V[t] = np.log((rho * np.exp(Q)).sum(axis=1))
        W[t] = np.log((rho * np.exp(U)).sum(axis=1))
        pi[t] = rho * np.exp(Q - V[t][:, None])
        nu[t] = rho * np.exp(U - W[t][:, None])
    return V, W, pi, nu

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    hope = mu0 * np.exp(log_beta_s[0] - log_beta_s[0].max())
    hope, fact = hope / hope.sum(), mu0
    believed = obtained = 0.0
    for t in range(len(policy)):
        believed += hope @ (policy[t] * reward_at(R, t)).sum(axis=1)
        obtained += fact @ (policy[t] * reward_at(R, t)).sum(axis=1)
        luck = posterior_dynamics(P, log_beta_s[t + 1])
        hope = np.einsum("s,sa,san->n", hope, policy[t], luck)
        fact = np.einsum("s,sa,san->n", fact, policy[t], P)
    return believed, obtained
