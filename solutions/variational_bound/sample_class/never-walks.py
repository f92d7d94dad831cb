# expected: elbo=6 kl_gap=2 soft_vi=30
# about: averages over the first states; messages one step early
# ideas: states of the first step | messages one step early | -
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    total = 0.0
    for t in range(len(policy)):
        w = mu0[:, None] * policy[t]
        x = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t])
        total += np.sum(w[w > 0] * x[w > 0])
    return total

# %% solution="kl_gap"
def lse(p, x):
    y = np.where(p > 0, np.log(p) + x, -np.inf)
    m = y.max(axis=-1, keepdims=True)
    m = np.where(np.isinf(m), 0, m)
    return np.log(np.exp(y - m).sum(axis=-1)) + m[..., 0]

def ev(p, x):
    return np.sum(np.where(p > 0, p * np.where(p > 0, x, 0), 0), axis=-1)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    v = log_beta_s
    d, mine = mu0, 0.0
    luck = lse(mu0, v[0]) - ev(mu0, v[0])
    for t in range(len(policy)):
        hope = lse(P, v[t])
        told = np.log(rho) + reward_at(R, t) / alpha + hope - v[t][:, None]
        told = np.where(np.isinf(v[t])[:, None], np.log(policy[t]), told)
        price = np.where(np.isinf(hope), 0, hope - ev(P, v[t]))
        w = d[:, None] * policy[t]
        mine += ev(w, np.log(policy[t]) - told).sum()
        luck += ev(w, price).sum()
        d = np.einsum("sa,san->n", w, P)
    return mine, luck
