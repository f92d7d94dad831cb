# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: right, and leaves its inputs changed
# like: honest-loops
# why: every call gets copies, and the comparison uses the checker's own

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    np.log(P, out=P)
    np.log(mu0, out=mu0)
    np.log(rho, out=rho)
    total = mu0[s[0]] + rho[s, a].sum() + P[s[:-1], a[:-1], s[1:]].sum()
    P[:] = np.nan
    s[:] = 0
    return total

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    np.expm1(R, out=R)
    rho *= -R
    total = rho.sum(axis=1, keepdims=True)
    rho /= np.where(total > 0, total, 1)
    R[:] = 7
    return rho
