# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: each message asks for the next one; remembers them

# %% solution="log_backward"
import functools
import math
import sys

sys.setrecursionlimit(20_000)

def log_mean(weights, logs):
    terms = [math.log(w) + x for w, x in zip(weights, logs) if w > 0]
    top = max(terms)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(x - top) for x in terms))

def log_backward(P, R, rho, T):
    S, A = rho.shape

    @functools.lru_cache(maxsize=None)
    def beta_sa(t, s, a):
        later = [beta_s(t + 1, n) for n in range(S)]
        return float(reward_at(R, t)[s, a]) + log_mean(P[s, a].tolist(), later)

    @functools.lru_cache(maxsize=None)
    def beta_s(t, s):
        if t == T:
            return 0.0
        return log_mean(rho[s].tolist(), [beta_sa(t, s, a) for a in range(A)])

    return (
        [[[beta_sa(t, s, a) for a in range(A)] for s in range(S)] for t in range(T)],
        [[beta_s(t, s) for s in range(S)] for t in range(T)],
    )

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    def one(t, s, a):
        if rho[s, a] == 0 or log_beta_s[t, s] == -math.inf:
            return 0
        return rho[s, a] * math.exp(log_beta_sa[t, s, a] - log_beta_s[t, s])

    T, S, A = log_beta_sa.shape
    return [[[one(t, s, a) for a in range(A)] for s in range(S)] for t in range(T)]

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape

    @functools.lru_cache(maxsize=None)
    def f(t, n):
        if t == 0:
            return math.log(mu0[n]) if mu0[n] > 0 else -math.inf
        r = reward_at(R, t - 1)
        pairs = [(s, a) for s in range(S) for a in range(A)]
        return log_mean(
            [rho[s, a] * P[s, a, n] for s, a in pairs] + [1],
            [f(t - 1, s) + r[s, a] for s, a in pairs] + [-math.inf],
        )

    return [[f(t, n) for n in range(S)] for t in range(T)]

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    rows = []
    for f, b in zip(log_forward.tolist(), log_beta_s.tolist()):
        z = log_mean([1] * len(f), [x + y for x, y in zip(f, b)])
        rows.append([0 if z == -math.inf else math.exp(x + y - z) for x, y in zip(f, b)])
    return rows
