# expected: boltzmann=7 eps_fixed_point=8 virel_step=19
# about: one evaluation, greedy in problem 2; temperature left out in 1; hard maximum in the critic in 3
# ideas: temperature left out | one evaluation, greedy | hard maximum in the critic

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    if epsilon == 0:
        best = np.where(rho > 0, Q, -np.inf).max(axis=1, keepdims=True)
        weight = rho * (Q == best)
        return weight / weight.sum(axis=1, keepdims=True)
    Q = np.where(rho > 0, Q, -np.inf)
    weight = rho * np.exp(Q - Q.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    V = np.where(rho > 0, Q, -np.inf).max(axis=1)  # the Bellman operator has a maximum
    delta = R + gamma * P @ V - Q
    return c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))

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
    return pi, R + gamma * P @ np.where(rho > 0, Q, -np.inf).max(axis=1), epsilon
