# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=35
# about: raises an error in every call
# like: honest-loops

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    return enumerate_all(P, R, mu0, rho, T)
