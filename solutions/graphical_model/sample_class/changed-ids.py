# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: changes all grade ids; right otherwise
# like: honest-loops
# cells: changed-ids
# why: each function is found by its definition
