# expected: elbo=6 kl_gap=25 soft_vi=30
# about: rewards times alpha
# ideas: temperature multiplied | - | -
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    d, total = mu0, 0.0
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        x = reward_at(R, t) * alpha + np.log(rho) - np.log(policy[t])
        total += np.sum(w[w > 0] * x[w > 0])
        d = np.einsum("sa,san->n", w, P)
    return total
