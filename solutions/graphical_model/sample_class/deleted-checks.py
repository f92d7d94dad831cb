# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: deletes the graded cells; right otherwise
# like: honest-loops
# cells: deleted-checks
