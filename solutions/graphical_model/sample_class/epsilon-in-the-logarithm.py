# expected: traj_logprob=20 posterior_enumerate=40 p_not_optimal=35
# about: adds 1e-12 before every logarithm
# like: honest-loops
# why: impossible trajectories get a large negative number instead of -inf: that property fails

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    eps = 1e-12
    total = np.log(mu0[s[0]] + eps) + np.log(rho[s, a] + eps).sum()
    return total + np.log(P[s[:-1], a[:-1], s[1:]] + eps).sum()
