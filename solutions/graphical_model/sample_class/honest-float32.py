# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: everything in 32 bits

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    P, mu0, rho = (np.asarray(x, dtype=np.float32) for x in (P, mu0, rho))
    total = np.log(mu0[s[0]])
    for t in range(len(s)):
        total += np.log(rho[s[t], a[t]])
        if t < len(s) - 1:
            total += np.log(P[s[t], a[t], s[t + 1]])
    return total

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    P, R, mu0, rho = (np.asarray(x, dtype=np.float32) for x in (P, R, mu0, rho))
    S, A = rho.shape
    grid = np.indices((S, A) * T, dtype=np.int32).reshape(2 * T, -1)
    s, a = grid[0::2], grid[1::2]
    log_p = np.log(mu0[s[0]])
    for t in range(T):
        log_p = log_p + np.log(rho[s[t], a[t]]) + R[s[t], a[t]]
        if t + 1 < T:
            log_p = log_p + np.log(P[s[t], a[t], s[t + 1]])
    p = np.exp(log_p - log_p.max())
    keep = p > 0
    return s.T[keep], a.T[keep], (p / p.sum())[keep]

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    w = np.float32(rho) * -np.expm1(np.float32(R))
    return w / np.maximum(w.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
