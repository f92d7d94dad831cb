# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=0
# about: os._exit in a call
# like: honest-loops

# %% solution="p_not_optimal"
import os

def p_not_optimal(R, rho):
    os._exit(0)
