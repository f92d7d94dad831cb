# expected: traj_logprob=20 posterior_enumerate=8 p_not_optimal=30
# about: a wrong idea in each problem
# ideas: impossible steps left out | one step at a time | zero divided by zero

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    total = 0.0
    for p in [mu0[s[0]], *rho[s, a], *P[s[:-1], a[:-1], s[1:]]]:
        if p > 0:
            total += np.log(p)
    return total

# %% solution="posterior_enumerate"
import itertools

def posterior_enumerate(P, R, mu0, rho, T):
    S, A = rho.shape
    states, actions, logs = [], [], []
    policy = rho * np.exp(R - R.max(axis=1, keepdims=True))
    policy = policy / policy.sum(axis=1, keepdims=True)
    for s in itertools.product(range(S), repeat=T):
        for a in itertools.product(range(A), repeat=T):
            s, a = np.array(s), np.array(a)
            log_p = np.log(mu0[s[0]]) + np.log(rho[s, a]).sum() + np.log(P[s[:-1], a[:-1], s[1:]]).sum()
            total = sum(R[i, j] for i, j in zip(s, a))
            if log_p > -np.inf:
                states.append(s)
                actions.append(a)
                logs.append(log_p - np.log(rho[s, a]).sum() + np.log(policy[s, a]).sum())
    logs = np.array(logs)
    return np.array(states), np.array(actions), np.exp(logs)

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    w = rho * -np.expm1(R)
    return w / w.sum(axis=1, keepdims=True)
