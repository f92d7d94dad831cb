# expected: elbo=5 kl_gap=10 soft_vi=0
# about: policy's logarithm dropped; short-sighted; hard maximum, with the formula's policy
# ideas: policy's logarithm dropped | short-sighted, not normalised | hard maximum, policy not normalised
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    d, total = mu0, 0.0
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        x = reward_at(R, t) / alpha + np.log(rho)
        total += np.sum(w[w > 0] * x[w > 0])
        d = np.einsum("sa,san->n", w, P)
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
    v = np.concatenate([log_beta_s, np.zeros((1, len(mu0)))])
    d, mine = mu0, 0.0
    luck = lse(mu0, v[0]) - ev(mu0, v[0])
    for t in range(len(policy)):
        hope = lse(P, v[t + 1])
        told = np.log(rho) + reward_at(R, t) / alpha - v[t][:, None]
        told = np.where(np.isinf(v[t])[:, None], np.log(policy[t]), told)
        price = np.where(np.isinf(hope), 0, hope - ev(P, v[t + 1]))
        w = d[:, None] * policy[t]
        mine += ev(w, np.log(policy[t]) - told).sum()
        luck += ev(w, price).sum()
        d = np.einsum("sa,san->n", w, P)
    return mine, luck

# %% solution="soft_vi"
def average(P, V):
    return np.sum(P * np.where(P > 0, V, 0), axis=2)

def soft(Q, rho, alpha):
    return np.where(rho > 0, Q, -np.inf).max(axis=1)

def choose(Q, V, rho, alpha):
    level = np.where(np.isinf(V), 0, V)[:, None]
    return rho * np.exp((Q - level) / alpha)

def soft_vi(P, R, rho, alpha, gamma):
    V = np.zeros(len(P))
    for sweep in range(2500):
        old = V
        Q = R + gamma * average(P, old)
        V = soft(Q, rho, alpha)
        if np.max(np.where(V == old, 0, np.abs(V - old))) < 1e-8 * (1 - gamma):
            break
    return Q, V, choose(Q, V, rho, alpha)
