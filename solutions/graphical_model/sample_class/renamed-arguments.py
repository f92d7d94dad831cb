# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=0
# about: argument names changed, so that the call fails
# like: honest-loops

# %% solution="p_not_optimal"
def p_not_optimal(rewards, prior):
    return prior * -np.expm1(rewards)
