# expected: traj_logprob=0 posterior_enumerate=40 p_not_optimal=35
# about: os._exit in a cell, before the function
# like: honest-loops

# %% solution="traj_logprob"
import os

os._exit(0)

def traj_logprob(P, mu0, rho, s, a):
    return 0.0
