# expected: elbo=30 kl_gap=25 soft_vi=30
# about: functions that call themselves: what is kept from a state on, what is lost from it on

# %% solution="elbo"
from functools import lru_cache
from math import inf, log

def elbo(P, R, mu0, rho, policy, alpha):
    T, S, A = policy.shape

    @lru_cache(maxsize=None)
    def kept(t, s):
        if t == T:
            return 0.0
        total = 0.0
        for a in range(A):
            p = policy[t, s, a]
            if p > 0:
                price = log(p) - (log(rho[s, a]) if rho[s, a] > 0 else -inf)
                total += p * (reward_at(R, t)[s, a] / alpha - price)
                total += p * average(P[s, a], lambda n: kept(t + 1, n))
        return total

    return average(mu0, lambda s: kept(0, s))

def average(p, value):
    return sum(p[n] * value(n) for n in range(len(p)) if p[n] > 0)

# %% solution="kl_gap"
from functools import lru_cache
from math import exp, inf, log

def luck_of(p, v):
    hope = max((v[n] for n in range(len(p)) if p[n] > 0))
    if hope == -inf:
        return hope, 0.0
    hope += log(sum(p[n] * exp(v[n] - hope) for n in range(len(p)) if p[n] > 0))
    return hope, sum(p[n] * (hope - v[n]) for n in range(len(p)) if p[n] > 0)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    T, S, A = policy.shape
    v = log_beta_s.tolist() + [[0.0] * S]

    @lru_cache(maxsize=None)
    def lost(t, s):
        if t == T:
            return np.zeros(2)
        both = np.zeros(2)
        for a in range(A):
            p = policy[t, s, a]
            if p == 0:
                continue
            hope, dice = luck_of(P[s, a], v[t + 1])
            both[1] += p * dice
            if v[t][s] > -inf:
                told = (log(rho[s, a]) if rho[s, a] > 0 else -inf) - v[t][s]
                told += reward_at(R, t)[s, a] / alpha + hope
                both[0] += p * (log(p) - told)
            for n in range(S):
                if P[s, a, n] > 0:
                    both += p * P[s, a, n] * lost(t + 1, n)
        return both

    mine, luck = sum(mu0[s] * lost(0, s) for s in range(S) if mu0[s] > 0)
    return mine, luck + luck_of(mu0, v[0])[1]

# %% solution="soft_vi"
def sweep(P, R, rho, alpha, gamma, V, left):
    Q = R + gamma * np.where(P > 0, P * np.where(P > 0, V, 0), 0).sum(axis=2)
    top = np.where(rho > 0, Q, -np.inf).max(axis=1, keepdims=True)
    weight = rho * np.exp((Q - np.where(top > -np.inf, top, 0)) / alpha)
    total = weight.sum(axis=1, keepdims=True)
    V = (top + alpha * np.log(total))[:, 0]
    if left == 0:
        return Q, V, weight / np.where(total > 0, total, 1)
    return sweep(P, R, rho, alpha, gamma, V, left - 1)

def soft_vi(P, R, rho, alpha, gamma):
    if gamma <= 0.9:
        return sweep(P, R, rho, alpha, gamma, np.zeros(len(P)), 10 + int(20 / (1 - gamma)))
    V = np.zeros(len(P))
    for _ in range(int(0.3 / (1 - gamma))):
        Q, V, policy = sweep(P, R, rho, alpha, gamma, V, 80)
    return Q, V, policy
