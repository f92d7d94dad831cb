# expected: elbo=19 kl_gap=22 soft_vi=28
# about: zero times infinity; exponentials out of range; infinity minus infinity
# ideas: zero times infinity | exponentials out of range | infinity minus infinity
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    d, total = mu0, 0.0
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        x = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t])
        total += np.sum(w * x)
        d = np.einsum("sa,san->n", w, P)
    return total

# %% solution="kl_gap"
def bayes(prior, log_likelihood):
    joint = prior * np.exp(log_likelihood)
    return joint / joint.sum(axis=-1, keepdims=True)

def kl(p, q):
    return np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0), axis=-1)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    d, mine, luck = mu0, 0.0, kl(mu0, bayes(mu0, log_beta_s[0]))
    after = [*log_beta_s[1:], np.zeros(len(mu0))]
    for t in range(len(policy)):
        log_sa = reward_at(R, t) / alpha + np.log((P * np.exp(after[t])).sum(axis=2))
        here = kl(policy[t], bayes(rho, log_sa))
        mine += np.sum((d * here)[(d > 0) & (log_beta_s[t] > -np.inf)])
        w = d[:, None] * policy[t]
        there = kl(P, bayes(P, after[t]))
        luck += np.sum((w * there)[w > 0])
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
    return rho * np.exp((Q - V[:, None]) / alpha)

def soft_vi(P, R, rho, alpha, gamma):
    V = np.zeros(len(P))
    for sweep in range(2500):
        old = V
        Q = R + gamma * average(P, old)
        V = soft(Q, rho, alpha)
        if np.max(np.where(V == old, 0, np.abs(V - old))) < 1e-8 * (1 - gamma):
            break
    return Q, V, choose(Q, V, rho, alpha)
