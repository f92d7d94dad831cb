# expected: elbo=3 kl_gap=11 soft_vi=0
# about: first states joined like messages; average of the messages; prior in the policy only
# ideas: first state as in the messages | average message, not normalised | prior in the policy only
# like: honest-arrays

# %% solution="elbo"
def ev(p, x):
    return np.sum(np.where(p > 0, p * np.where(p > 0, x, 0), 0), axis=-1)

def elbo(P, R, mu0, rho, policy, alpha):
    v = np.zeros(len(mu0))
    for t in reversed(range(len(policy))):
        gain = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t]) + ev(P, v)
        v = np.where(policy[t] > 0, policy[t] * gain, 0).sum(axis=1)
    return np.logaddexp.reduce(np.log(mu0) + v)

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
        told = np.log(rho) + reward_at(R, t) / alpha + ev(P, v[t + 1]) - v[t][:, None]
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
    x = Q / alpha
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
    return Q, V, choose(Q, V, rho, alpha)
