# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: right, and leaves its arguments in ruins
# like: honest-loops
# why: every call gets copies, and the comparison uses the checker's own

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    v = log_beta_next.copy()
    log_beta_next[:] = 0
    np.log(P, out=P)
    P += v
    top = P.max(axis=2, keepdims=True)
    P -= np.where(np.isinf(top), 0, top)
    np.exp(P, out=P)
    total = P.sum(axis=2, keepdims=True)
    P /= np.where(total > 0, total, 1)
    return P

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T = len(policy)
    R = np.broadcast_to(R, policy.shape).copy()
    R[policy == 0] = 0
    moves = [posterior_dynamics(P.copy(), log_beta_s[t + 1].copy()) for t in range(T - 1)]
    log_beta_s -= log_beta_s.max(axis=1, keepdims=True)
    hope = mu0 * np.exp(log_beta_s[0])
    hope /= hope.sum()
    total = [0.0, 0.0]
    for t in range(T):
        for i, d in enumerate((hope, mu0)):
            total[i] += np.einsum("s,sa,sa->", d, policy[t], R[t])
        if t < T - 1:
            hope = np.einsum("s,sa,san->n", hope, policy[t], moves[t])
            mu0[:] = np.einsum("s,sa,san->n", mu0, policy[t], P)
    P[:] = policy[:] = np.nan
    return total
