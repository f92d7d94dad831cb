# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: Python lists and numbers all the way, no arrays returned

# %% solution="posterior_dynamics"
from math import exp, expm1, inf, log

def lucky(p, v):
    """p reweighted with exp(v), as a list; zeros if nothing is left."""
    known = [x for q, x in zip(p, v) if q > 0]
    top = max(known) if known else -inf
    if top == -inf:
        return [0.0 for _ in p]
    w = [q * exp(x - top) if q > 0 else 0.0 for q, x in zip(p, v)]
    return [x / sum(w) for x in w]

def posterior_dynamics(P, log_beta_next):
    v = log_beta_next.tolist()
    return [[lucky(row, v) for row in rows] for rows in P.tolist()]

# %% solution="opt_vs_var"
def log_mean(p, x):
    top = max([xi for pi, xi in zip(p, x) if pi > 0])
    if top == -inf:
        return -inf
    return top + log(sum(pi * exp(xi - top) for pi, xi in zip(p, x) if pi > 0))

def mean(p, x):
    return sum([pi * xi for pi, xi in zip(p, x) if pi > 0])

def opt_vs_var(P, R, rho, T):
    P, rho = P.tolist(), rho.tolist()
    answer = []
    for ahead in (log_mean, mean):
        v, V, pi = [0.0] * len(rho), [], []
        for t in reversed(range(T)):
            r = reward_at(R, t).tolist()
            Q = [[x + ahead(p, v) for x, p in zip(rs, ps)] for rs, ps in zip(r, P)]
            v = [log_mean(p, q) for p, q in zip(rho, Q)]
            V = [v] + V
            pi = [[
                [p * exp(q - level) if p > 0 and level > -inf else 0.0 for p, q in zip(ps, qs)]
                for ps, qs, level in zip(rho, Q, v)
            ]] + pi
        answer.append((V, pi))
    return [answer[0][0], answer[1][0], answer[0][1], answer[1][1]]

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    if isinstance(gap, np.ndarray):
        return [min_lottery_p(g, b) for g, b in zip(gap, safe)]
    if safe > gap:
        return float("inf")
    return exp(safe - gap) * expm1(-safe) / expm1(-gap) if safe > 0 else 0

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T = len(policy)
    beta, pi = log_beta_s.tolist(), policy.tolist()
    answer = []
    for luck in (True, False):
        d = lucky(mu0.tolist(), beta[0]) if luck else mu0.tolist()
        total = 0.0
        for t in range(T):
            r = reward_at(R, t).tolist()
            K = posterior_dynamics(P, log_beta_s[t + 1]) if luck and t + 1 < T else P.tolist()
            visits = [(s, a, d[s] * p) for s, row in enumerate(pi[t]) for a, p in enumerate(row) if p > 0]
            total += sum(w * r[s][a] for s, a, w in visits)
            d = [sum(w * K[s][a][n] for s, a, w in visits) for n in range(len(d))]
        answer.append(total)
    return answer
