# expected: elbo=30 kl_gap=25 soft_vi=30
# about: the bound from the last step to the first; the policy's share by subtraction; soft policy iteration
# why: the identity log p(O) = ELBO + KL is a right way to a share

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    V = np.zeros(len(mu0))
    for t in reversed(range(len(policy))):
        Q = reward_at(R, t) / alpha + np.where(P > 0, P * V, 0).sum(axis=2)
        price = np.log(policy[t]) - np.log(rho)
        V = np.where(policy[t] > 0, policy[t] * (Q - price), 0).sum(axis=1)
    return np.where(mu0 > 0, mu0 * V, 0).sum()

# %% solution="kl_gap"
def log_average(p, v):
    top = np.where(p > 0, v, -np.inf).max(axis=-1, keepdims=True)
    top = np.where(top > -np.inf, top, 0)
    return np.log(np.where(p > 0, p * np.exp(np.minimum(v - top, 0)), 0).sum(axis=-1)) + top[..., 0]

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    luck = log_average(mu0, log_beta_s[0]) - np.where(mu0 > 0, mu0 * log_beta_s[0], 0).sum()
    d = mu0
    for t in range(len(policy) - 1):
        w = d[:, None] * policy[t]
        hope = log_average(P, log_beta_s[t + 1])
        gap = hope - np.where(P > 0, P * log_beta_s[t + 1], 0).sum(axis=2)
        luck += np.where((w > 0) & (hope > -np.inf), w * gap, 0).sum()
        d = np.einsum("sa,san->n", w, P)
    if luck == np.inf:
        return 0.0, luck
    bound = elbo(P, R, mu0, rho, policy, alpha)
    return log_average(mu0, log_beta_s[0]) - bound - luck, luck

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    S, A = rho.shape
    doomed = np.zeros(S, bool)
    for _ in range(S):
        never = np.isneginf(R) | (gamma * P[:, :, doomed].sum(axis=2) > 0) | (rho == 0)
        doomed = never.all(axis=1)
    never = np.isneginf(R) | (gamma * P[:, :, doomed].sum(axis=2) > 0)
    prior = np.where(never, 0, rho)
    ok = prior.sum(axis=1) > 0
    pi = prior / np.where(ok, prior.sum(axis=1), 1)[:, None]
    r = np.where(np.isneginf(R), 0, R)
    for _ in range(60):
        kl = np.where(pi > 0, pi * np.log(np.where(pi > 0, pi, 1) / np.where(rho > 0, rho, 1)), 0)
        gain = (pi * r).sum(axis=1) - alpha * kl.sum(axis=1)
        V = np.linalg.solve(np.eye(S) - gamma * np.einsum("sa,san->sn", pi, P), gain)
        Q = r + gamma * P @ V
        top = np.where(prior > 0, Q, -np.inf).max(axis=1, keepdims=True)
        weight = prior * np.exp(np.minimum(Q - np.where(ok[:, None], top, Q), 0) / alpha)
        total = weight.sum(axis=1)
        pi = weight / np.where(ok, total, 1)[:, None]
    V = np.where(ok, top[:, 0] + alpha * np.log(np.where(ok, total, 1)), -np.inf)
    return np.where(never, -np.inf, Q), V, pi
