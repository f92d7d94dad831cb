# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: a callable object, a named tuple in other byte orders, np.vectorize, arrays of one number

# %% solution="posterior_dynamics"
class Believer:
    def __call__(self, P, log_beta_next):
        P = np.asfortranarray(P)
        out = np.zeros_like(P)
        for row in np.ndindex(P.shape[:2]):
            able = (P[row] > 0) & ~np.isneginf(log_beta_next)
            x = log_beta_next[able] + np.log(P[row][able])
            out[row][able] = np.exp(x - np.logaddexp.reduce(x)) if able.any() else 0
        return out

posterior_dynamics = Believer()

# %% solution="opt_vs_var"
import collections

Readings = collections.namedtuple("Readings", "V_opt V_var pi_opt pi_var")

def opt_vs_var(P, R, rho, T):
    log_P, log_rho = np.log(P), np.log(rho)
    never = np.isneginf

    def ahead(exact, v):
        if exact:
            return np.logaddexp.reduce(log_P + v, axis=2)
        lost = P @ never(v).astype(int) > 0
        return np.where(lost, -np.inf, P @ np.where(never(v), 0, v))

    out = {}
    for exact in (True, False):
        v, V, pi = np.zeros(len(rho)), [], []
        for t in range(T)[::-1]:
            q = log_rho + reward_at(R, t) + ahead(exact, v)
            v = np.logaddexp.reduce(q, axis=1)
            V.append(v)
            pi.append(np.exp(np.where(never(v)[:, None], -np.inf, q - v[:, None])))
        out[exact] = np.array(V)[::-1].astype(">f8"), np.array(pi)[::-1]
    return Readings(out[True][0], out[False][0], out[True][1], out[False][1])

# %% solution="min_lottery_p"
import math

@np.vectorize
def min_lottery_p(gap, safe):
    if safe > gap:
        return math.inf
    safe = max(safe, 0.0)
    return math.exp(safe - gap) * math.expm1(-safe) / math.expm1(-gap)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T = len(policy)
    pay = [np.where(policy[t] > 0, reward_at(R, t), 0) for t in range(T)]

    def to_come(lucky, t):
        """Expected return from step t on, for each state."""
        now = (policy[t] * pay[t]).sum(axis=1)
        if t == T - 1:
            return now
        moves = posterior_dynamics(P, log_beta_s[t + 1]) if lucky else P
        return now + np.einsum("sa,san,n->s", policy[t], moves, to_come(lucky, t + 1))

    start = posterior_dynamics(mu0[None, None], log_beta_s[0])
    return start[0] @ to_come(True, 0)[:, None], np.array([[mu0 @ to_come(False, 0)]])
