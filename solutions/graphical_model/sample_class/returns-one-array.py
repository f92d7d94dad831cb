# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=0
# about: returns the probabilities alone, and forgets to return
# like: honest-loops

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
    return w / w.sum()

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    joint = rho * -np.expm1(R)
    answer = joint / joint.sum(axis=1, keepdims=True)
