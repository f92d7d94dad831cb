# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: JSON nested 100,000 deep
# like: honest-loops
# raw: nested
