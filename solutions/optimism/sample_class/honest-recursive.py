# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: recursion with a memory, by the definition of each quantity

# %% solution="posterior_dynamics"
from functools import lru_cache

def posterior_dynamics(P, log_beta_next):
    def row(p):
        x = np.full(len(p), -np.inf)
        x[p > 0] = np.log(p[p > 0]) + log_beta_next[p > 0]
        if not np.any(np.isfinite(x)):
            return np.zeros(len(p))
        w = np.exp(x - np.max(x))
        return w / w.sum()

    return np.apply_along_axis(row, 2, P)

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    S, A = rho.shape

    @lru_cache(None)
    def Q(t, s, a, exact):
        nxt = np.flatnonzero(P[s, a])
        v = np.array([V(t + 1, n, exact) for n in nxt])
        p = P[s, a, nxt]
        if exact:
            top = v.max()
            ahead = top if np.isinf(top) else top + np.log(p @ np.exp(v - top))
        else:
            ahead = p @ v
        return reward_at(R, t)[s, a] + ahead

    @lru_cache(None)
    def V(t, s, exact):
        if t == T:
            return 0.0
        allowed = np.flatnonzero(rho[s])
        q = np.array([Q(t, s, a, exact) for a in allowed])
        top = q.max()
        return top if np.isinf(top) else top + np.log(rho[s, allowed] @ np.exp(q - top))

    def policy(t, s, a, exact):
        if rho[s, a] == 0 or V(t, s, exact) == -np.inf:
            return 0.0
        return rho[s, a] * np.exp(Q(t, s, a, exact) - V(t, s, exact))

    values = [np.array([[V(t, s, e) for s in range(S)] for t in range(T)]) for e in (1, 0)]
    policies = [
        np.array([[[policy(t, s, a, e) for a in range(A)] for s in range(S)] for t in range(T)])
        for e in (1, 0)
    ]
    return values[0], values[1], policies[0], policies[1]

# %% solution="min_lottery_p"
@np.vectorize
def min_lottery_p(gap, safe):
    if safe <= 0:
        return 0.0
    if safe == gap:
        return 1.0
    if safe > gap:
        return np.inf
    # log of (e^safe - 1) / (e^gap - 1)
    log_p = safe + np.log(-np.expm1(-safe)) - gap - np.log(-np.expm1(-gap))
    return np.exp(log_p)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T, S, A = policy.shape

    def value(t, s, kernels):
        """Expected rewards from step t on, in state s."""
        actions = np.flatnonzero(policy[t, s])
        total = policy[t, s, actions] @ reward_at(R, t)[s, actions]
        if t + 1 < T:
            p = policy[t, s, actions] @ kernels[t][s, actions]
            total += p @ ahead[t + 1]
        return total

    answers = []
    luck = [posterior_dynamics(P, v) for v in log_beta_s[1:]]
    hope = mu0 * np.exp(log_beta_s[0] - log_beta_s[0].max())
    for start, kernels in ((hope / hope.sum(), luck), (mu0, [P] * T)):
        ahead = {}
        for t in reversed(range(T)):
            ahead[t] = np.array([value(t, s, kernels) for s in range(S)])
        answers.append(start @ ahead[0])
    return np.array(answers)
