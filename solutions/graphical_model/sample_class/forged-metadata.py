# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=35
# about: raises the points, skips execution, unlocks everything; two problems blank
# cells: forged-metadata
# why: metadata come from the release

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    answer = np.zeros(R.shape)
    for s in range(R.shape[0]):
        weight = [rho[s, a] * -np.expm1(R[s, a]) for a in range(R.shape[1])]
        if sum(weight) > 0:
            answer[s] = np.array(weight) / sum(weight)
    return answer
