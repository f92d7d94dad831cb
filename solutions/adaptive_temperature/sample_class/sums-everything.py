# expected: boltzmann=16 eps_fixed_point=4 virel_step=10
# about: sum over all pairs in problem 2; tied actions share equally in 1; temperature of the new values in 3
# ideas: tied actions share equally | sum over all pairs | temperature of the new values

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    if epsilon == 0:
        allowed = np.where(rho > 0, Q, -np.inf)
        best = allowed == allowed.max(axis=1, keepdims=True)
        return best / best.sum(axis=1, keepdims=True)
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    weight = rho * np.exp(gap / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def policy_at(Q, rho, epsilon):
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = rho * np.exp(np.where(gap == 0, 0.0, gap / epsilon))
    return weight / weight.sum(axis=1, keepdims=True)

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def g(epsilon):
        pi = policy_at(Q, rho, epsilon)
        V = np.sum(pi * Q, axis=1)
        delta = R + gamma * P @ V - Q
        return c / p * np.sum(np.abs(delta) ** p)

    low, high = 0.0, 4.0
    while g(high) > high and high < 1e9:
        high *= 2
    for _ in range(90):
        middle = (low + high) / 2
        if g(middle) > middle:
            low = middle
        else:
            high = middle
    return high

# %% solution="virel_step"
def own_temperature(Q, P, R, rho, gamma, c, p):
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)

    def actor(x):
        weight = rho * (gap == 0) if x < 1e-12 else rho * np.exp(gap / x)
        return weight / weight.sum(axis=1, keepdims=True)

    low, high = 0.0, 100.0
    for _ in range(90):
        x = (low + high) / 2
        delta = R + gamma * P @ np.sum(actor(x) * Q, axis=1) - Q
        g = c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))
        low, high = (x, high) if g > x else (low, x)
    return low, actor(low)

def virel_step(Q, P, R, rho, gamma, c, p):
    _, pi = own_temperature(Q, P, R, rho, gamma, c, p)
    Q = R + gamma * P @ np.sum(pi * Q, axis=1)
    epsilon, _ = own_temperature(Q, P, R, rho, gamma, c, p)  # for the report
    return pi, Q, epsilon
