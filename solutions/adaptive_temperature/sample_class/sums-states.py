# expected: boltzmann=16 eps_fixed_point=4 virel_step=18
# about: sum over states in problem 2; first of tied actions in 1; policy from the new values in 3
# ideas: first of tied actions | sum over states | policy from the new values

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    if epsilon == 0:
        best = np.argmax(np.where(rho > 0, Q, -np.inf), axis=1)
        return np.eye(Q.shape[1])[best]
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
        return c / p * np.sum(rho * np.abs(delta) ** p)

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
    values = critic(pi)
    gap = np.where(rho > 0, values, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    weight = rho * (gap == 0) if epsilon < 1e-12 else rho * np.exp(gap / epsilon)
    new = weight / weight.sum(axis=1, keepdims=True)
    return new, values, epsilon
