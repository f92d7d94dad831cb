# expected: elbo=30 kl_gap=23 soft_vi=30
# about: zero times infinity
# ideas: - | zero times infinity | -
# like: honest-arrays

# %% solution="kl_gap"
def lse(p, x):
    y = np.where(p > 0, np.log(p) + x, -np.inf)
    m = y.max(axis=-1, keepdims=True)
    m = np.where(np.isinf(m), 0, m)
    return np.log(np.exp(y - m).sum(axis=-1)) + m[..., 0]

def ev(p, x):
    return np.sum(np.where(p > 0, p * np.where(p > 0, x, 0), 0), axis=-1)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    v = np.concatenate([log_beta_s, np.zeros((1, len(mu0)))])
    d, mine = mu0, 0.0
    luck = lse(mu0, v[0]) - np.sum(mu0 * v[0])
    for t in range(len(policy)):
        hope = lse(P, v[t + 1])
        told = np.log(rho) + reward_at(R, t) / alpha + hope - v[t][:, None]
        price = hope - np.sum(P * v[t + 1], axis=2)
        w = d[:, None] * policy[t]
        mine += np.sum(w * (np.log(policy[t]) - told))
        luck += np.sum(w * price)
        d = np.einsum("sa,san->n", w, P)
    return mine, luck
