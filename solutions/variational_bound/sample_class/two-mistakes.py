# expected: elbo=0 kl_gap=8 soft_vi=0
# about: several mistakes in one function; the report names those it can tell apart
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    # the entropy of the policy, and nothing looked after where something is zero
    d, total = mu0, 0.0
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        total += np.sum(w * (reward_at(R, t) / alpha - np.log(policy[t])))
        d = np.einsum("sa,san->n", w, P)
    return total

# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    # no shift, and no first state
    T, d = len(policy), mu0
    mine = luck = 0.0
    for t in range(T):
        after = np.exp(log_beta_s[t + 1]) if t + 1 < T else np.ones(len(mu0))
        joint = rho * np.exp(reward_at(R, t) / alpha) * (P @ after)
        told = joint / joint.sum(axis=1, keepdims=True)
        believed = P * after / (P @ after)[:, :, None]
        w = d[:, None] * policy[t]
        x = w * np.log(policy[t] / told)
        y = w[:, :, None] * P * np.log(P / believed)
        mine += x[w > 0].sum()
        luck += np.where(w[:, :, None] * P > 0, y, 0).sum()
        d = np.einsum("sa,san->n", w, P)
    return mine, luck

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    # the prior is left out, and no shift
    V = np.zeros(len(P))
    for _ in range(100):
        Q = R + gamma * (P @ V)
        V = alpha * np.log(np.sum(np.exp(Q / alpha), axis=1))
    return Q, V, np.exp((Q - V[:, None]) / alpha)
