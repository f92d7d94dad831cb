# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: a file of zero bytes
# like: honest-loops
# raw: empty
