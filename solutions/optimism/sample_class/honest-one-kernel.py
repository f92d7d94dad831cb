# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: sums actions out first, works with matrices, prints what it does

# %% solution="posterior_dynamics"
def tilt(p, log_w):
    """p reweighted with exp(log_w) along the last axis, zeros where nothing is left."""
    log_w = np.where(p > 0, log_w, -np.inf)
    top = log_w.max(axis=-1, keepdims=True)
    x = p * np.exp(np.subtract(log_w, top, out=np.full(p.shape, -np.inf), where=top > -np.inf))
    return np.divide(x, x.sum(axis=-1, keepdims=True), out=np.zeros(p.shape), where=top > -np.inf)

def posterior_dynamics(P, log_beta_next):
    print("dynamics of shape", P.shape)
    return tilt(P, log_beta_next)

# %% solution="opt_vs_var"
def certainty_equivalent(p, x, risk):
    """log E e^x where risk is True, E x where it is False."""
    x = np.where(p > 0, x, -np.inf)
    if not risk:
        return np.multiply(p, x, out=np.zeros(p.shape), where=p > 0).sum(axis=-1)
    top = np.maximum(x.max(axis=-1), -1e300)
    return np.log((p * np.exp(x - top[..., None])).sum(axis=-1)) + top

def opt_vs_var(P, R, rho, T):
    out = {}
    for risk in (True, False):
        V, pi = np.zeros((T + 1, len(rho))), np.zeros((T, *rho.shape))
        for t in range(T)[::-1]:
            Q = reward_at(R, t) + certainty_equivalent(P, V[t + 1], risk)
            V[t] = certainty_equivalent(rho, Q, True)
            pi[t] = tilt(rho, Q)
        out[risk] = V[:T], pi
    return out[True][0], out[False][0], out[True][1], out[False][1]

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    gap, safe = np.asarray(gap), np.asarray(safe)
    p = np.exp(safe - gap) * np.expm1(-safe) / np.expm1(-gap)
    p = np.atleast_1d(p)
    p[np.atleast_1d(safe) <= 0] = 0
    p[np.atleast_1d(safe) > np.atleast_1d(gap)] = np.inf
    return p.reshape(gap.shape)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T, S, A = policy.shape
    hope, fact = tilt(mu0, log_beta_s[0]), mu0
    total = np.zeros(2)
    for t in range(T):
        pay = np.multiply(policy[t], reward_at(R, t), out=np.zeros((S, A)), where=policy[t] > 0)
        total += hope @ pay.sum(axis=1), fact @ pay.sum(axis=1)
        if t < T - 1:
            tilted = tilt(P, log_beta_s[t + 1])
            hope = hope @ np.matmul(policy[t][:, None], tilted)[:, 0]
            fact = fact @ np.matmul(policy[t][:, None], P)[:, 0]
    print("believed", total[0], "obtained", total[1])
    return total[0], total[1]
