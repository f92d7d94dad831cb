# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: a right notebook saved as UTF-16
# like: honest-loops
# raw: utf16
