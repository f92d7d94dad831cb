# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: nested lists of numpy scalars and rows, no arrays returned

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    logs = [np.log(mu0[s[0]])]
    for t, (i, j) in enumerate(zip(s, a)):
        logs.append(np.log(rho[i, j]))
        if t + 1 < len(s):
            logs.append(np.log(P[i, j, s[t + 1]]))
    return np.array([sum(logs)])

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
    return [np.array(s) for s in states], [[np.int64(i) for i in a] for a in actions], list(w / w.sum())

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    rows = []
    for r, p in zip(R, rho):
        w = [pi * -np.expm1(ri) for ri, pi in zip(r, p)]
        rows.append([wi / sum(w) if sum(w) else 0 for wi in w])
    return rows
