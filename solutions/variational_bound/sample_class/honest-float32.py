# expected: elbo=30 kl_gap=25 soft_vi=30
# about: everything in 32 bits

# %% solution="elbo"
f32 = np.float32

def elbo(P, R, mu0, rho, policy, alpha):
    P, R, d, rho, policy, alpha = map(f32, (P, R, mu0, rho, policy, alpha))
    total = f32(0)
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        gain = reward_at(R, t) / alpha + (np.log(rho) - np.log(policy[t]))
        total += np.where(w > 0, w * np.where(w > 0, gain, f32(0)), f32(0)).sum()
        d = np.einsum("sa,san->n", w, P)
    return total

# %% solution="kl_gap"
def hope_and_mean(p, v):
    x = np.where(p > 0, np.log(p) + v, f32(-np.inf))
    top = x.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, f32(0))
    hope = np.log(np.exp(x - top).sum(axis=-1)) + top[..., 0]
    return hope, np.where(p > 0, p * np.where(p > 0, v, f32(0)), f32(0)).sum(axis=-1)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    P, R, d, rho, policy, alpha, v = map(f32, (P, R, mu0, rho, policy, alpha, log_beta_s))
    hope, average = hope_and_mean(d, v[0])
    mine, luck = f32(0), hope - average
    for t in range(len(policy)):
        after = v[t + 1] if t + 1 < len(policy) else np.zeros_like(d)
        hope, average = hope_and_mean(P, after)
        gain = reward_at(R, t) / alpha + hope - v[t][:, None]
        cost = np.log(policy[t]) - np.log(rho) - gain
        w = d[:, None] * policy[t]
        counts = (w > 0) & np.isfinite(v[t])[:, None]
        mine += np.where(counts, w * np.where(counts, cost, f32(0)), f32(0)).sum()
        price = np.where(np.isfinite(hope), hope - average, f32(0))
        luck += np.where(w > 0, w * price, f32(0)).sum()
        d = np.einsum("sa,san->n", w, P)
    return mine, luck

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    P, R, rho, alpha, gamma = map(f32, (P, R, rho, alpha, gamma))
    V = np.zeros(len(P), f32)
    for sweep in range(1 + int(25 / (1 - gamma))):
        ahead = np.where(P > 0, P * np.where(P > 0, V, f32(0)), f32(0)).sum(axis=2)
        Q = R + gamma * ahead
        x = np.log(rho) + Q / alpha
        top = x.max(axis=1, keepdims=True)
        top = np.where(np.isfinite(top), top, f32(0))
        share = np.exp(x - top)
        total = share.sum(axis=1)
        V = alpha * (np.log(total) + top[:, 0])
    return Q, V, share / np.where(total > 0, total, f32(1))[:, None]
