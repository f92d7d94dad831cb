# expected: elbo=30 kl_gap=25 soft_vi=30
# about: writes into the arrays it is given
# like: honest-arrays
# why: each call gets copies

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    total = 0.0
    np.log(rho, out=rho)
    for t in range(len(policy)):
        w = mu0[:, None] * policy[t]
        gain = reward_at(R, t) / alpha + rho - np.log(policy[t])
        total += np.sum(w[w > 0] * gain[w > 0])
        mu0[:] = np.einsum("sa,san->n", w, P)
    P[:], R[:] = 0, 0
    return total
