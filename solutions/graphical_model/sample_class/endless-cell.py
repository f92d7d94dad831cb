# expected: traj_logprob=0 posterior_enumerate=40 p_not_optimal=35
# about: a cell never ends
# like: honest-loops
# why: the function is never defined

# %% solution="traj_logprob"
while True:
    pass

def traj_logprob(P, mu0, rho, s, a):
    return 0.0
