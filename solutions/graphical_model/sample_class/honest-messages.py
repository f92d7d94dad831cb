# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: draws no list: messages give the evidence, then each trajectory is divided by it

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    total = np.log(mu0[s[0]])
    for t in range(len(s)):
        total += np.log(rho[s[t], a[t]])
        if t < len(s) - 1:
            total += np.log(P[s[t], a[t], s[t + 1]])
    return total

# %% solution="posterior_enumerate"
import itertools

def lse(x, axis=None):
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)

def posterior_enumerate(P, R, mu0, rho, T):
    beta = np.zeros(len(mu0))
    for t in range(T):
        q = R + lse(np.log(P) + (beta if t else 0 * beta), axis=2)
        beta = lse(np.log(rho) + q, axis=1)
    evidence = lse(np.log(mu0) + beta)
    rows = []
    for s in itertools.product(range(len(mu0)), repeat=T):
        for a in itertools.product(range(R.shape[1]), repeat=T):
            log_p = traj_logprob(P, mu0, rho, s, a) + sum(R[i, j] for i, j in zip(s, a))
            if log_p > -np.inf:
                rows.append((s, a, np.exp(log_p - evidence)))
    s, a, p = zip(*rows)
    return s, a, p

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    answer = np.zeros(R.shape)
    for s in range(R.shape[0]):
        weight = [rho[s, a] * -np.expm1(R[s, a]) for a in range(R.shape[1])]
        if sum(weight) > 0:
            answer[s] = np.array(weight) / sum(weight)
    return answer
