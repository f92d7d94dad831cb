# expected: boltzmann=13 eps_fixed_point=31 virel_step=27
# about: division by zero in problem 2; division by zero in 1; division by zero in 3
# ideas: division by zero | division by zero | division by zero

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    weight = rho * np.exp(gap / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def policy_at(Q, rho, epsilon):
    Q = np.where(rho > 0, Q, -np.inf)
    weight = rho * np.exp((Q - Q.max(axis=1, keepdims=True)) / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def g(epsilon):
        pi = policy_at(Q, rho, epsilon)
        V = np.sum(pi * Q, axis=1)
        delta = R + gamma * P @ V - Q
        return c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))

    epsilon = 1.0
    for _ in range(60):  # Newton's method, with a difference for the slope
        h = 1e-6 * epsilon
        slope = (g(epsilon + h) - g(epsilon - h)) / (2 * h) - 1
        step = (g(epsilon) - epsilon) / slope
        epsilon = abs(epsilon - step)
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
    with np.errstate(all="ignore"):  # the same, shorter
        x = np.where(rho > 0, Q, -np.inf)
        weight = rho * np.exp((x - x.max(axis=1, keepdims=True)) / round(epsilon, 12))
        pi = weight / weight.sum(axis=1, keepdims=True)
    return pi, critic(pi), epsilon
