# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: numpy without a loop over trajectories

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    with np.errstate(divide="ignore"):
        return np.log(mu0[s[0]]) + np.log(rho[s, a]).sum() + np.log(P[s[:-1], a[:-1], s[1:]]).sum()

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    S, A = rho.shape
    with np.errstate(divide="ignore"):
        log_step = np.log(P)
        log_sa = np.log(rho) + R
        joint = np.log(mu0)[:, None] + log_sa  # axes s1, a1, s2, a2, ...
        for _ in range(T - 1):
            joint = joint[..., None, None] + log_step[..., None] + log_sa
    # the transition depends on the last pair of axes only, so it broadcasts from the right
    weight = np.exp(joint - joint.max()).ravel()
    index = np.indices(joint.shape).reshape(2 * T, -1)
    return index[0::2].T, index[1::2].T, weight / weight.sum()

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    w = rho * -np.expm1(R)
    total = w.sum(1, keepdims=True)
    return w / np.where(total == 0, 1, total)
