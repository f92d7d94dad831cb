# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=30
# about: asks with np.isclose whether a sum is zero
# ideas: - | - | a small sum taken for zero
# like: honest-loops

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    result = np.zeros(R.shape)
    for s in range(len(R)):
        joint = -rho[s] * np.expm1(R[s])
        if not np.isclose(joint.sum(), 0):
            result[s] = joint / joint.sum()
    return result
