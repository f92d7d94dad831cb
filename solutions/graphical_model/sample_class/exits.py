# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=35
# about: sys.exit in a call
# like: honest-loops

# %% solution="posterior_enumerate"
import sys

def posterior_enumerate(P, R, mu0, rho, T):
    sys.exit(0)
