# expected: elbo=28 kl_gap=8 soft_vi=23
# about: NaN from matrix products; first state not normalised; formulas typed in as they stand
# ideas: zero times infinity, backwards | first state not normalised | formulas as they stand
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    v = np.zeros(len(mu0))
    for t in reversed(range(len(policy))):
        gain = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t]) + P @ v
        v = np.where(policy[t] > 0, policy[t] * gain, 0).sum(axis=1)
    return mu0 @ v

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
    luck = -ev(mu0, v[0])
    for t in range(len(policy)):
        hope = lse(P, v[t + 1])
        told = np.log(rho) + reward_at(R, t) / alpha + hope - v[t][:, None]
        told = np.where(np.isinf(v[t])[:, None], np.log(policy[t]), told)
        price = np.where(np.isinf(hope), 0, hope - ev(P, v[t + 1]))
        w = d[:, None] * policy[t]
        mine += ev(w, np.log(policy[t]) - told).sum()
        luck += ev(w, price).sum()
        d = np.einsum("sa,san->n", w, P)
    return mine, luck

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    V = np.zeros(len(P))
    for sweep in range(2000):
        Q = R + gamma * (P @ V)
        V = alpha * np.log((rho * np.exp(Q / alpha)).sum(axis=1))
    return Q, V, rho * np.exp((Q - V[:, None]) / alpha)
