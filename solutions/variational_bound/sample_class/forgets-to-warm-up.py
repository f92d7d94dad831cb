# expected: elbo=30 kl_gap=25 soft_vi=14
# about: a policy without temperature
# ideas: - | - | temperature not in the policy
# like: honest-arrays

# %% solution="soft_vi"
def average(P, V):
    return np.sum(P * np.where(P > 0, V, 0), axis=2)

def soft(Q, rho, alpha):
    x = np.log(rho) + Q / alpha
    m = x.max(axis=1, keepdims=True)
    m = np.where(np.isinf(m), 0, m)
    return alpha * (np.log(np.exp(x - m).sum(axis=1)) + m[:, 0])

def choose(Q, V, rho, alpha):
    level = np.where(np.isinf(V), 0, V)[:, None]
    return np.where(rho > 0, rho * np.exp(np.where(rho > 0, Q - level, 0)), 0)

def soft_vi(P, R, rho, alpha, gamma):
    V = np.zeros(len(P))
    for sweep in range(2500):
        old = V
        Q = R + gamma * average(P, old)
        V = soft(Q, rho, alpha)
        if np.max(np.where(V == old, 0, np.abs(V - old))) < 1e-8 * (1 - gamma):
            break
    return Q, V, choose(Q, V, rho, alpha)
