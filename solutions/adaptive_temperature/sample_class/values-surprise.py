# expected: boltzmann=18 eps_fixed_point=35 virel_step=18
# about: the prior lost in rounding; the critic earns entropy, as in soft actor-critic
# ideas: shifted too late | - | entropy in the critic
# like: honest-loops

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    if epsilon == 0:
        best = np.where(rho > 0, Q, -np.inf).max(axis=1, keepdims=True)
        weight = rho * (Q == best)
    else:
        exponent = np.log(rho) + Q / epsilon
        weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)

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
    V = np.sum(pi * (Q - epsilon * np.log(np.where(pi > 0, pi, 1))), axis=1)
    return pi, R + gamma * P @ V, epsilon
