# expected: boltzmann=0 eps_fixed_point=8 virel_step=7
# about: prior dropped in problem 2; prior dropped in 1; prior dropped in 3
# ideas: prior dropped | prior dropped | prior dropped

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    gap = Q - Q.max(axis=1, keepdims=True)
    weight = np.exp(gap / epsilon) if epsilon > 0 else (gap == 0).astype(float)
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def policy_at(Q, rho, epsilon):
    weight = np.exp((Q - Q.max(axis=1, keepdims=True)) / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def g(epsilon):
        pi = policy_at(Q, rho, epsilon)
        V = np.sum(pi * Q, axis=1)
        delta = R + gamma * P @ V - Q
        return c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))

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
def virel_step(Q, P, R, rho, gamma, c, p):
    def actor(x):
        gap = Q - Q.max(axis=1, keepdims=True)
        weight = 1.0 * (gap == 0) if x < 1e-12 else np.exp(gap / x)
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
    return pi, critic(pi), epsilon
