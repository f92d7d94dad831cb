# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: a right notebook in format 3
# like: honest-loops
# raw: old-format
