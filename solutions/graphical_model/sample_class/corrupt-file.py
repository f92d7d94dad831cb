# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: bytes that are no text
# like: honest-loops
# raw: corrupt
