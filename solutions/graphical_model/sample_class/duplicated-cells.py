# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: pastes every solution cell twice, the first one blank
# like: honest-loops
# cells: duplicated
