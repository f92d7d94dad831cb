# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: a folder without a notebook
# like: honest-loops
# raw: no-notebook
