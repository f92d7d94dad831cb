# expected: elbo=0 kl_gap=0 soft_vi=0
# about: sweeps that stop when nothing changes any more, and something always does
# like: honest-arrays
# why: a call has five seconds; nothing is tried after the first that takes longer

# %% solution="elbo"
def elbo(P, R, mu0, rho, policy, alpha):
    return sum(1 for _ in iter(int, 1))

# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    return kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s)

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    V, step = np.zeros(len(P)), 1
    while step != 0:
        step = np.abs(P).sum()
        V = V + step
    return R, V, rho
