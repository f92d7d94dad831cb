# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: plain loops, a recursive list of trajectories

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    total = np.log(mu0[s[0]])
    for t in range(len(s)):
        total += np.log(rho[s[t], a[t]])
        if t < len(s) - 1:
            total += np.log(P[s[t], a[t], s[t + 1]])
    return total

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    S, A = rho.shape
    states, actions, logs = [], [], []

    def extend(s, a, log_joint):
        if len(s) == T:
            states.append(s)
            actions.append(a)
            logs.append(log_joint)
            return
        for s_next in range(S):
            p = mu0[s_next] if not s else P[s[-1], a[-1], s_next]
            if p == 0:
                continue
            for a_next in range(A):
                if rho[s_next, a_next] > 0:
                    step = np.log(p) + np.log(rho[s_next, a_next]) + R[s_next, a_next]
                    extend(s + [s_next], a + [a_next], log_joint + step)

    extend([], [], 0.0)
    logs = np.array(logs)
    w = np.exp(logs - logs.max())
    return np.array(states), np.array(actions), w / w.sum()

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    answer = np.zeros(R.shape)
    for s in range(R.shape[0]):
        weight = [rho[s, a] * -np.expm1(R[s, a]) for a in range(R.shape[1])]
        if sum(weight) > 0:
            answer[s] = np.array(weight) / sum(weight)
    return answer
