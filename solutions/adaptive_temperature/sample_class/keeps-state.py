# expected: boltzmann=0 eps_fixed_point=8 virel_step=30
# about: remembers the last temperature between calls, and begins there with a single evaluation
# like: honest-apart
# why: the answer depends on what was asked before

# %% solution="boltzmann"
seen = []

def boltzmann(Q, rho, epsilon):
    seen.append(rho)
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    weight = rho * (np.exp(gap / epsilon) if epsilon > 0 else gap == 0)
    seen.append(weight / weight.sum(axis=1, keepdims=True))
    return seen

# %% solution="eps_fixed_point"
last = [1.0]

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    pi = rho * (np.exp(gap / last[-1]) if last[-1] > 0 else gap == 0)
    pi = pi / pi.sum(axis=1, keepdims=True)
    delta = R + gamma * P @ (pi * Q).sum(axis=1) - Q
    last.append(c / p * (rho * np.abs(delta) ** p).sum(axis=1).mean())
    return last[-1]
