# expected: boltzmann=7 eps_fixed_point=32 virel_step=16
# about: swings, and stops high in problem 2; not normalised in 1; error returned in 3
# ideas: not normalised | swings, and stops high | error returned

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    if epsilon == 0:
        best = np.where(rho > 0, Q, -np.inf).max(axis=1, keepdims=True)
        weight = rho * (Q == best)
        return weight / weight.sum(axis=1, keepdims=True)
    return rho * np.exp(Q / epsilon)

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
        return c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))

    epsilon = 1.0
    for _ in range(101):
        epsilon = g(epsilon)
    return epsilon

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    def actor(x):
        gap = np.where(rho > 0, Q, -np.inf)
        gap = gap - gap.max(axis=1, keepdims=True)
        weight = rho * (gap == 0) if x < 1e-12 else rho * np.exp(gap / x)
        return weight / weight.sum(axis=1, keepdims=True)

    def critic(pi):
        return R + gamma * P @ np.sum(pi * Q, axis=1)

    def error(x):
        return c / p * np.mean(np.sum(rho * np.abs(critic(actor(x)) - Q) ** p, axis=1))

    low, high = 0.0, 4.0
    while error(high) > high and high < 1e9:
        high *= 2
    for _ in range(90):
        middle = (low + high) / 2
        low, high = (middle, high) if error(middle) > middle else (low, middle)
    epsilon = low
    pi = actor(epsilon)
    return pi, critic(pi) - Q, epsilon
