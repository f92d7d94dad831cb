# expected: traj_logprob=4 posterior_enumerate=8 p_not_optimal=0
# about: a wrong idea in each problem
# ideas: next step's action in the transition | initial distribution missing | action prior missing

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    total = np.log(mu0[s[0]])
    for t in range(len(s)):
        total += np.log(rho[s[t], a[t]])
        if t < len(s) - 1:
            total += np.log(P[s[t], a[t + 1], s[t + 1]])
    return total

# %% solution="posterior_enumerate"
import itertools

def posterior_enumerate(P, R, mu0, rho, T):
    S, A = rho.shape
    states, actions, logs = [], [], []
    for s in itertools.product(range(S), repeat=T):
        for a in itertools.product(range(A), repeat=T):
            s, a = np.array(s), np.array(a)
            log_p = np.log(mu0[s[0]]) + np.log(rho[s, a]).sum() + np.log(P[s[:-1], a[:-1], s[1:]]).sum()
            total = sum(R[i, j] for i, j in zip(s, a))
            if log_p > -np.inf:
                states.append(s)
                actions.append(a)
                logs.append(log_p - np.log(mu0[s[0]]) + total)
    logs = np.array(logs)
    w = np.exp(logs - logs.max())
    return np.array(states), np.array(actions), w / w.sum()

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    w = -np.expm1(R)
    total = w.sum(axis=1, keepdims=True)
    return np.divide(w, total, out=np.zeros_like(w), where=total > 0)
