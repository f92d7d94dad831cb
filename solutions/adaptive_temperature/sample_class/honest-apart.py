# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: each cell stands alone and uses nothing of the others; bisection

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    Q = np.where(rho > 0, Q, -np.inf)
    best = Q.max(axis=1, keepdims=True)
    if epsilon == 0:
        weight = np.where(Q == best, rho, 0.0)
    else:
        weight = rho * np.exp((Q - best) / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def policy_at(Q, rho, epsilon):
    Q = np.where(rho > 0, Q, -np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(Q == Q.max(axis=1, keepdims=True), 0.0, (Q - Q.max(axis=1, keepdims=True)) / epsilon)
    weight = rho * np.exp(x)
    return weight / weight.sum(axis=1, keepdims=True)

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def g(epsilon):
        pi = policy_at(Q, rho, epsilon)
        V = np.sum(pi * Q, axis=1)
        delta = R + gamma * P @ V - Q
        return c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))

    low, high = 0.0, 16.0
    for _ in range(70):
        middle = (low + high) / 2
        if g(middle) > middle:
            low = middle
        else:
            high = middle
    return (low + high) / 2

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    def actor(epsilon):
        X = np.where(rho > 0, Q, -np.inf)
        X = X - X.max(axis=1, keepdims=True)
        weight = rho * (X == 0) if epsilon < 1e-12 else rho * np.exp(X / epsilon)
        return weight / weight.sum(axis=1, keepdims=True)

    def critic(pi):
        return R + gamma * P @ np.sum(pi * Q, axis=1)

    def error(epsilon):
        delta = np.abs(critic(actor(epsilon)) - Q) ** p
        return c / p * np.mean(np.sum(rho * delta, axis=1))

    low, high = 0.0, 16.0
    for _ in range(70):
        epsilon = (low + high) / 2
        if error(epsilon) > epsilon:
            low = epsilon
        else:
            high = epsilon
    pi = actor(epsilon)
    return pi, critic(pi), epsilon
