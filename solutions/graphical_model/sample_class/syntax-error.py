# expected: traj_logprob=0 posterior_enumerate=40 p_not_optimal=35
# about: one cell does not parse
# like: honest-loops
# why: only that function is missing

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a)
    return np.log(mu0[s[0]]) + np.log(rho[s, a]).sum()
