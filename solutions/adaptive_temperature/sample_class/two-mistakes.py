# expected: boltzmann=12 eps_fixed_point=24 virel_step=11
# about: several mistakes in one function; the report names those it can tell apart
# like: honest-apart

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    # the first of tied actions, and no shift
    if epsilon == 0:
        return np.eye(Q.shape[1])[np.where(rho > 0, Q, -np.inf).argmax(axis=1)]
    weight = rho * np.exp(Q / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    # squares whatever p is, and a floor
    low, high = 0.0, 50.0
    for _ in range(70):
        epsilon = (low + high) / 2
        gap = np.where(rho > 0, Q, -np.inf)
        gap = gap - gap.max(axis=1, keepdims=True)
        pi = rho * np.exp(gap / epsilon)
        pi = pi / pi.sum(axis=1, keepdims=True)
        delta = R + gamma * P @ (pi * Q).sum(axis=1) - Q
        g = c / p * (rho * delta**2).sum(axis=1).mean()
        low, high = (epsilon, high) if g > epsilon else (low, epsilon)
    return max(epsilon, 0.01)

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    # one evaluation, and a hard maximum in the critic
    best = np.where(rho > 0, Q, -np.inf).max(axis=1, keepdims=True)
    Q_next = R + gamma * P @ best[:, 0]
    epsilon = c / p * (rho * np.abs(Q_next - Q) ** p).sum(axis=1).mean()
    weight = rho * (np.exp(np.where(rho > 0, Q - best, -np.inf) / epsilon) if epsilon else Q == best)
    return weight / weight.sum(axis=1, keepdims=True), Q_next, epsilon
