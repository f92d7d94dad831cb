# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=30
# about: adds 1e-12 to the divisor, against 0 / 0
# ideas: - | - | 1e-12 added to the divisor
# like: honest-loops

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    joint = -rho * np.expm1(R)
    return joint / (joint.sum(axis=1, keepdims=True) + 1e-12)
