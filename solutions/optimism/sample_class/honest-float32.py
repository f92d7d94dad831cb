# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: everything in 32 bits

# %% solution="posterior_dynamics"
f32 = np.float32

def log_normaliser(x, axis):
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, f32(0))
    return np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top

def posterior_dynamics(P, log_beta_next):
    x = np.log(f32(P)) + f32(log_beta_next)
    total = log_normaliser(x, 2)
    return np.where(total == -np.inf, f32(0), np.exp(x - np.where(np.isinf(total), f32(0), total)))

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    P, R, rho = f32(P), f32(R), f32(rho)
    S, A = rho.shape
    V = np.zeros((2, T + 1, S), f32)
    pi = np.zeros((2, T, S, A), f32)
    for t in range(T)[::-1]:
        soft = log_normaliser(np.log(P) + V[0, t + 1], 2)[..., 0]
        plain = np.where(P > 0, P * np.where(P > 0, V[1, t + 1], f32(0)), f32(0)).sum(axis=2)
        for i, ahead in enumerate((soft, plain)):
            x = np.log(rho) + reward_at(R, t) + ahead
            level = log_normaliser(x, 1)
            V[i, t] = level[:, 0]
            pi[i, t] = np.exp(x - np.where(np.isinf(level), f32(0), level))
    return V[0, :T], V[1, :T], pi[0], pi[1]

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    gap, safe = f32(gap), f32(safe)
    inside = np.minimum(np.maximum(safe, f32(0)), gap)
    p = np.exp(inside - gap) * (np.expm1(-inside) / np.expm1(-gap))
    return np.where(safe > gap, f32(np.inf), p)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    P, R, mu0, policy, v = map(f32, (P, R, mu0, policy, log_beta_s))
    w = mu0 * np.exp(v[0] - v[0].max())
    d = np.stack([w / w.sum(), mu0])
    total = np.zeros(2, f32)
    for t in range(len(policy)):
        taken = d[:, :, None] * policy[t]
        total += (taken * np.where(policy[t] > 0, reward_at(R, t), f32(0))).sum(axis=(1, 2))
        if t + 1 < len(policy):
            moves = np.stack([posterior_dynamics(P, v[t + 1]), P])
            d = np.einsum("isa,isan->in", taken, moves)
    return total
