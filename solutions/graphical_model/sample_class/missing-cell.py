# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=35
# about: deletes one solution cell
# like: honest-loops
# cells: missing posterior_enumerate
