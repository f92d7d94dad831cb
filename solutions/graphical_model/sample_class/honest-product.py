# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: itertools.product over everything, impossible rows listed with probability 0

# %% solution="traj_logprob"
import math

def traj_logprob(P, mu0, rho, s, a):
    factors = [mu0[s[0]]]
    factors += [rho[i, j] for i, j in zip(s, a)]
    factors += [P[i, j, k] for i, j, k in zip(s, a, s[1:])]
    return sum(math.log(f) if f > 0 else -math.inf for f in factors)

# %% solution="posterior_enumerate"
from itertools import product

def posterior_enumerate(P, R, mu0, rho, T):
    S, A = rho.shape
    pairs = list(product(range(S), range(A)))
    rows = list(product(pairs, repeat=T))
    states = np.array([[s for s, a in row] for row in rows])
    actions = np.array([[a for s, a in row] for row in rows])
    logs = np.array([traj_logprob(P, mu0, rho, s, a) for s, a in zip(states, actions)])
    logs = logs + R[states, actions].sum(axis=1)
    p = np.exp(logs - logs.max())
    return states, actions, p / p.sum()

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    p0 = -np.expm1(R)
    joint = rho * p0
    out = []
    for row in joint:
        out.append(row / row.sum() if row.any() else row)
    return np.stack(out)
