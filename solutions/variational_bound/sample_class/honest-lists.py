# expected: elbo=30 kl_gap=25 soft_vi=30
# about: lists and generators, sums that lose no digits, plain numbers returned

# %% solution="elbo"
from math import fsum, inf, log

def elbo(P, R, mu0, rho, policy, alpha):
    S, A = rho.shape
    pairs = [(s, a) for s in range(S) for a in range(A)]
    state, terms = list(mu0), []
    for t in range(len(policy)):
        taken = {(s, a): float(state[s] * policy[t, s, a]) for s, a in pairs}
        taken = {k: p for k, p in taken.items() if p > 0}
        if any(rho[k] == 0 or reward_at(R, t)[k] == -inf for k in taken):
            return -inf
        terms += [p * float(reward_at(R, t)[k]) / float(alpha) for k, p in taken.items()]
        terms += [p * log(rho[k] / policy[t][k]) for k, p in taken.items()]
        state = [fsum(p * P[k][n] for k, p in taken.items()) for n in range(S)]
    return fsum(terms)

# %% solution="kl_gap"
from math import exp, fsum, inf, log

def lse(p, v):
    on = [(float(w), float(x)) for w, x in zip(p, v) if w > 0 and x > -inf]
    top = max((x for _, x in on), default=0.0)
    return top + log(fsum(w * exp(x - top) for w, x in on)) if on else -inf

def price(p, v):
    hope = lse(p, v)
    return 0.0 if hope == -inf else sum(float(w) * (hope - float(x)) for w, x in zip(p, v) if w > 0)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    S, A = rho.shape
    state, mine, luck = list(mu0), [0.0], [price(mu0, log_beta_s[0])]
    steps = [list(row) for row in log_beta_s] + [[0.0] * S]
    for t, (now, later) in enumerate(zip(steps, steps[1:])):
        taken = [(state[s] * policy[t, s, a], s, a) for s in range(S) for a in range(A)]
        taken = [each for each in taken if each[0] > 0]
        for p, s, a in taken:
            luck.append(p * price(P[s, a], later))
            if now[s] == -inf:
                continue
            told = reward_at(R, t)[s, a] / alpha + lse(P[s, a], later) - now[s]
            if rho[s, a] > 0:
                mine.append(p * (log(policy[t, s, a]) - log(rho[s, a]) - told))
            else:
                mine.append(inf)
        state = [fsum(p * P[s, a, n] for p, s, a in taken) for n in range(S)]
    return [sum(mine), sum(luck)]

# %% solution="soft_vi"
from math import ceil, exp, inf

def soft_vi(P, R, rho, alpha, gamma):
    S, A = rho.shape
    rows = [[[(float(p), n) for n, p in enumerate(P[s, a]) if p > 0] for a in range(A)] for s in range(S)]
    prior, r = rho.tolist(), R.tolist()
    V = [0.0] * S
    for _ in range(5 + ceil(24 / (1 - gamma))):
        ahead = [[sum(p * V[n] for p, n in rows[s][a]) for a in range(A)] for s in range(S)]
        Q = [[x + gamma * y if gamma else x for x, y in zip(r[s], ahead[s])] for s in range(S)]
        V = [alpha * lse(prior[s], [x / alpha for x in Q[s]]) for s in range(S)]
    pi = [
        [0.0 if V[s] == -inf or not w else w * exp((x - V[s]) / alpha) for w, x in zip(prior[s], Q[s])]
        for s in range(S)
    ]
    return [Q, V, pi]
