# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: a bracket that halves itself by recursion, and prints where it is

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    def one(q, r):
        gap = np.where(r > 0, q - q[r > 0].max(), -np.inf)
        w = r * np.where(gap == 0, 1.0, 0.0 if epsilon == 0 else np.exp(gap / max(epsilon, 1e-300)))
        return w / np.sum(w)

    return np.stack([one(q, r) for q, r in zip(Q, rho)])

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def too_cold(epsilon):
        after = (boltzmann(Q, rho, epsilon) * Q).sum(1)
        delta = R + gamma * np.tensordot(P, after, 1) - Q
        return c / p * np.average(np.abs(delta) ** p, weights=rho) > epsilon

    def search(low, high, depth):
        if depth == 0:
            return low
        middle = (low + high) / 2
        return search(middle, high, depth - 1) if too_cold(middle) else search(low, middle, depth - 1)

    found = search(0.0, 10.0, 55)
    print("temperature", found)
    return found

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    after = (pi * Q).sum(1)
    return pi, R + gamma * np.tensordot(P, after, 1), epsilon
