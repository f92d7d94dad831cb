# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=35
# about: takes all the memory there is
# like: honest-loops

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    hoard = []
    while True:
        hoard.append(np.ones(10**8))
