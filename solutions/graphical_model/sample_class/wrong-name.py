# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: a right notebook under another name
# like: honest-vectorised
# raw: wrong-name
