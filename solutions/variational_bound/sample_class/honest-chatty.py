# expected: elbo=30 kl_gap=25 soft_vi=30
# about: prints, a log of its own, logaddexp, matrices from state to state

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    print("bound at temperature", alpha, "for", len(policy), "steps")
    d, total = np.array(mu0), 0
    for t, pi in enumerate(policy):
        with np.errstate(all="ignore"):
            ratio = np.log(rho / pi)
        keeps = pi * np.where(pi > 0, reward_at(R, t) / alpha + ratio, 0)
        keeps = np.where(pi > 0, keeps, 0).sum(axis=1)
        total = total + np.where(d > 0, d * np.where(d > 0, keeps, 0), 0).sum()
        print(t, total)
        d = d @ np.einsum("sa,san->sn", pi, P)
    return total

# %% solution="kl_gap"
def soft_mean(p, v):
    with np.errstate(all="ignore"):
        return np.logaddexp.reduce(np.log(p) + np.where(p > 0, v, 0), axis=-1)

def hard_mean(p, v):
    return np.where(p > 0, p * np.where(p > 0, v, 0), 0).sum(axis=-1)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    later = np.vstack([log_beta_s, 0 * mu0])
    luck = [soft_mean(mu0, later[0]) - hard_mean(mu0, later[0])]
    mine, d = [], mu0
    for t, pi in enumerate(policy):
        hope = soft_mean(P, later[t + 1])
        dead = np.isneginf(later[t])
        with np.errstate(all="ignore"):
            told = np.log(rho) + (reward_at(R, t) / alpha + hope - later[t][:, None])
            here = hard_mean(pi, np.log(pi) - told)
            dice = np.where(np.isneginf(hope), 0, hope - hard_mean(P, later[t + 1]))
        mine.append(hard_mean(np.where(dead, 0, d), here))
        luck.append(hard_mean(d, hard_mean(pi, dice)))
        d = d @ np.einsum("sa,san->sn", pi, P)
    print("shares by step:", mine, luck)
    return np.array([np.sum(mine), np.sum(luck)])

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    V, sweeps = np.full(len(P), R[np.isfinite(R)].mean() / (1 - gamma)), 0
    log_rho = np.log(rho)
    while True:
        Q = R + gamma * hard_mean(P, V)
        new = alpha * np.logaddexp.reduce(log_rho + Q / alpha, axis=1)
        moved = np.abs(np.where(new == V, 0, new - V)).max()
        V, sweeps = new, sweeps + 1
        if moved < 1e-7 * (1 - gamma):
            break
    print(f"{sweeps} sweeps, {moved:.2g} at the end")
    value = np.where(np.isneginf(V), 0, V)[:, None]
    return np.array(Q), V, np.exp(log_rho + (Q - value) / alpha)
