# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: a Python script with the notebook's name
# like: honest-loops
# raw: not-json
