# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: Newton's method with the derivative by hand, kept inside a bracket

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    masked = np.ma.masked_array(Q, mask=rho == 0)
    gap = (masked - masked.max(axis=1)[:, None]).filled(-np.inf)
    if epsilon == 0:
        return (rho * (gap == 0)) / (rho * (gap == 0)).sum(1)[:, None]
    logits = np.where(rho > 0, np.log(np.where(rho > 0, rho, 1)) + gap / epsilon, -np.inf)
    weight = np.exp(logits - logits.max(1)[:, None])
    return weight / weight.sum(1)[:, None]

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    weight = rho / len(Q)

    def f_and_slope(epsilon):
        pi = boltzmann(Q, rho, epsilon)
        V = (pi * Q).sum(1)
        delta = R + gamma * P @ V - Q
        # dV / d epsilon = - Var(Q) / epsilon^2
        dV = -((pi * (Q - V[:, None]) ** 2).sum(1)) / epsilon**2
        size = np.abs(delta)
        f = c / p * (weight * size**p).sum() - epsilon
        slope = c * (weight * size ** (p - 1) * np.sign(delta) * (gamma * P @ dV)).sum() - 1
        return f, slope

    low, high, epsilon = 0.0, 10.0, 1.0
    for _ in range(300):
        f, slope = f_and_slope(epsilon)
        if f > 0:
            low = epsilon
        else:
            high = epsilon
        newton = epsilon - f / slope
        new = newton if low < newton < high else (low + high) / 2
        if abs(new - epsilon) <= 1e-14 * epsilon or high < 1e-12:
            break
        epsilon = new
    return 0 if high < 1e-12 else new

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    return pi, R + gamma * P @ (pi * Q).sum(1), epsilon
