# expected: traj_logprob=0 posterior_enumerate=40 p_not_optimal=35
# about: reads address 0
# like: honest-loops

# %% solution="traj_logprob"
import ctypes

def traj_logprob(P, mu0, rho, s, a):
    return ctypes.string_at(0)
