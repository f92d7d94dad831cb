# expected: traj_logprob=0 posterior_enumerate=40 p_not_optimal=35
# about: a loop over the moves passes over the first action
# ideas: first action prior missing | - | -
# like: honest-loops

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    total = np.log(mu0[s[0]])
    for t in range(1, len(s)):
        total += np.log(P[s[t - 1], a[t - 1], s[t]]) + np.log(rho[s[t], a[t]])
    return total
