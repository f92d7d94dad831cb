# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: a named tuple, matrices, masked and transposed arrays, the other byte order, a partial

# %% solution="log_backward"
from typing import NamedTuple

class Messages(NamedTuple):
    sa: object
    s: object

def steps(P, R, rho, T):
    v = np.zeros(len(rho))
    for t in range(T)[::-1]:
        q = reward_at(R, t) + np.logaddexp.reduce(np.log(P) + v, axis=-1)
        v = np.logaddexp.reduce(np.log(rho) + q, axis=-1)
        yield q, v

def log_backward(P, R, rho, T):
    q, v = zip(*steps(P, R, rho, T))
    return Messages(np.asfortranarray(q[::-1]), np.array(v)[::-1].astype(">f8"))

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    alive = np.isfinite(log_beta_s)
    pi = np.ma.masked_array(np.zeros(log_beta_sa.shape), mask=False)
    for t, s in np.argwhere(alive):
        allowed = rho[s] > 0
        pi[t, s, allowed] = rho[s, allowed] * np.exp((log_beta_sa[t, s] - log_beta_s[t, s])[allowed])
    return pi

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    rows = [np.log(np.asmatrix(mu0))]
    for t in range(T - 1):
        ways = np.log(rho) + reward_at(R, t) + rows[-1].A1[:, None]
        into = ways.reshape(S * A, 1) + np.log(P).reshape(S * A, S)
        rows.append(np.asmatrix(np.logaddexp.reduce(into, axis=0)))
    return np.concatenate(rows).astype(np.longdouble)

# %% solution="smooth"
import functools

def condition(axis, log_forward, log_beta_s):
    joint = (log_forward + log_beta_s).T
    evidence = np.logaddexp.reduce(joint, axis=0)
    p = np.exp(joint - np.where(np.isfinite(evidence), evidence, 0))
    return p.T

smooth = functools.partial(condition, 1)
