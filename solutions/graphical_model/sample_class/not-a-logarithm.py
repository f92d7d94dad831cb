# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: a wrong idea in each problem
# ideas: probability, not its logarithm | not normalised | complement, not normalised

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    p = mu0[s[0]]
    for t in range(len(s)):
        p = p * rho[s[t], a[t]]
        if t < len(s) - 1:
            p = p * P[s[t], a[t], s[t + 1]]
    return p

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
                logs.append(log_p + total)
    logs = np.array(logs)
    return np.array(states), np.array(actions), np.exp(logs)

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    w = rho * np.exp(R)
    return 1 - w / w.sum(axis=1, keepdims=True)
