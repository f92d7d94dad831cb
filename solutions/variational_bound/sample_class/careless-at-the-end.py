# expected: elbo=0 kl_gap=24 soft_vi=28
# about: posterior's trajectories; infinity minus infinity; prior in traps
# ideas: posterior's trajectories | infinity minus infinity | prior in traps
# like: honest-arrays

# %% solution="elbo"
def lse(p, x):
    y = np.where(p > 0, np.log(p) + x, -np.inf)
    m = y.max(axis=-1, keepdims=True)
    m = np.where(np.isinf(m), 0, m)
    return np.log(np.exp(y - m).sum(axis=-1)) + m[..., 0]

def elbo(P, R, mu0, rho, policy, alpha):
    T = len(policy)
    v = np.zeros((T + 1, len(mu0)))
    for t in reversed(range(T)):
        v[t] = lse(rho, reward_at(R, t) / alpha + lse(P, v[t + 1]))
    d, total = mu0 * np.exp(v[0] - lse(mu0, v[0])), 0.0
    for t in range(T):
        hope = lse(P, v[t + 1])
        told = np.nan_to_num(rho * np.exp(reward_at(R, t) / alpha + hope - v[t][:, None]))
        w = d[:, None] * told
        x = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t])
        total += np.sum(w[w > 0] * x[w > 0])
        d = np.einsum("sa,san->n", w, np.nan_to_num(P * np.exp(v[t + 1] - hope[..., None])))
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
    return Q, V, np.where(np.isinf(V)[:, None], rho, choose(Q, V, rho, alpha))
