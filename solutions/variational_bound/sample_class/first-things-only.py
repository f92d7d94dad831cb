# expected: elbo=3 kl_gap=3 soft_vi=3
# about: solves one step, one state, no future; the rest was to come later
# like: honest-arrays

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    w = mu0[:, None] * policy[0]
    return np.sum(w * (reward_at(R, 0) / alpha + np.log(rho) - np.log(policy[0])))

# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    start = mu0 * np.exp(log_beta_s[0])
    start = start / start.sum()
    told = rho * np.exp(reward_at(R, 0) / alpha)
    told = told / told.sum(axis=1, keepdims=True)
    mine = np.sum(mu0[:, None] * policy[0] * np.log(policy[0] / told))
    return mine, np.sum(mu0 * np.log(mu0 / start))

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    V = alpha * np.log(np.sum(rho * np.exp(R / alpha), axis=1))
    return R, V, rho * np.exp((R - V[:, None]) / alpha)
