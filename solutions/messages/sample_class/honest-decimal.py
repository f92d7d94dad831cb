# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: no logarithm until the end: decimal numbers have room for exp(-20,000)

# %% solution="log_backward"
from decimal import Decimal, getcontext

getcontext().prec = 25
getcontext().Emin, getcontext().Emax = -10**9, 10**9

def big_exp(x):
    return Decimal(0) if x == -np.inf else Decimal(float(x)).exp()

def big_log(x):
    return -np.inf if x == 0 else float(x.ln())

def log_backward(P, R, rho, T):
    S, A = rho.shape
    P = [[[Decimal(p) for p in row] for row in of_s] for of_s in P.tolist()]
    prior = [[Decimal(p) for p in row] for row in rho.tolist()]
    weights = {}
    nxt = [Decimal(1)] * S
    sa, st = np.empty((T, S, A)), np.empty((T, S))
    for t in reversed(range(T)):
        r = reward_at(R, t)
        key = r.tobytes()
        if key not in weights:
            weights[key] = [[big_exp(x) for x in row] for row in r]
        w = weights[key]
        now = [[w[s][a] * sum(p * b for p, b in zip(P[s][a], nxt)) for a in range(A)] for s in range(S)]
        nxt = [sum(p * b for p, b in zip(prior[s], now[s])) for s in range(S)]
        sa[t] = [[big_log(x) for x in row] for row in now]
        st[t] = [big_log(x) for x in nxt]
    return sa, st

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    pi = np.zeros(log_beta_sa.shape)
    for t, s in np.ndindex(log_beta_s.shape):
        weight = [Decimal(p) * big_exp(x) for p, x in zip(rho[s].tolist(), log_beta_sa[t, s])]
        if sum(weight):
            pi[t, s] = [float(w / sum(weight)) for w in weight]
    return pi

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    step = np.array([[[Decimal(p) for p in row] for row in of_s] for of_s in P.tolist()])
    prior = np.array([[Decimal(p) for p in row] for row in rho.tolist()])
    f = np.array([Decimal(p) for p in mu0.tolist()])
    rows, weights = [], {}
    for t in range(T):
        rows.append([big_log(x) for x in f])
        r = reward_at(R, t)
        if r.tobytes() not in weights:
            weights[r.tobytes()] = prior * np.array([[big_exp(x) for x in row] for row in r])
        joint = f[:, None] * weights[r.tobytes()]
        f = (joint[:, :, None] * step).sum(axis=(0, 1))
    return rows

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    p = np.zeros(log_forward.shape)
    for t in range(len(p)):
        w = [big_exp(f) * big_exp(b) for f, b in zip(log_forward[t], log_beta_s[t])]
        if sum(w):
            p[t] = [float(x / sum(w)) for x in w]
    return p
