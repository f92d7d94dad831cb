# expected: elbo=3 kl_gap=9 soft_vi=4
# about: dynamics left in q; message of the wrong step; advantages
# ideas: dynamics left in q | message of the wrong step | advantages
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    def entropy(p):
        return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis=-1)

    d, total = mu0, entropy(mu0)
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        x = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t])
        total += np.sum(w[w > 0] * x[w > 0])
        if t < len(policy) - 1:
            total += np.sum(w * entropy(P))
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
        told = np.log(rho) + reward_at(R, t) / alpha + hope - v[t][:, None]
        told = np.where(np.isinf(v[t])[:, None], np.log(policy[t]), told)
        price = lse(P, v[t]) - ev(P, v[t])
        w = d[:, None] * policy[t]
        mine += ev(w, np.log(policy[t]) - told).sum()
        luck += ev(w, price).sum()
        d = np.einsum("sa,san->n", w, P)
    return mine, luck

# %% solution="soft_vi"
def average(P, V):
    return np.sum(P * np.where(P > 0, V, 0), axis=2)

def soft(Q, rho, alpha):
    x = np.log(rho) + Q / alpha
    m = x.max(axis=1, keepdims=True)
    m = np.where(np.isinf(m), 0, m)
    return alpha * (np.log(np.exp(x - m).sum(axis=1)) + m[:, 0])

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
    return Q - np.where(np.isinf(V), 0, V)[:, None], V, choose(Q, V, rho, alpha)
