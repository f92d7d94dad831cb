# expected: traj_logprob=25 posterior_enumerate=36 p_not_optimal=35
# about: a wrong idea in problem 2
# ideas: - | exponential underflows | -
# like: honest-loops

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
    w = np.exp(logs)
    return np.array(states), np.array(actions), w / w.sum()
