# expected: traj_logprob=0 posterior_enumerate=40 p_not_optimal=35
# about: a factor is missing and the product underflows as well
# like: honest-loops
# why: no property holds; the report names the factor, which fails first

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    p = mu0[s[0]]
    for t in range(len(s) - 1):
        p *= rho[s[t], a[t]] * P[s[t], a[t], s[t + 1]]
    return np.log(p)
