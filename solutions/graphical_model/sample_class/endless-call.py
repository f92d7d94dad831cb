# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=35
# about: one function never returns
# like: honest-loops
# why: stopped after its seconds; the other problems are graded

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    while True:
        pass
