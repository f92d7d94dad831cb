# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: many temperatures at once on a grid, which zooms in; everything by broadcasting

# %% solution="boltzmann"
def policies(Q, rho, epsilons):
    Q = np.where(rho > 0, Q, -np.inf)
    gap = Q - Q.max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        x = np.where(gap == 0, 0, gap / np.reshape(epsilons, (-1, 1, 1)))
    w = rho * np.exp(x)
    return w / w.sum(axis=2, keepdims=True)

def boltzmann(Q, rho, epsilon):
    return policies(Q, rho, [epsilon])[0]

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    low, high = 0.0, 12.0
    for _ in range(12):
        grid = np.linspace(low, high, 40)
        V = np.einsum("esa,sa->es", policies(Q, rho, grid), Q)
        delta = R + gamma * np.einsum("san,en->esa", P, V) - Q
        g = c / p * np.einsum("sa,esa->e", rho, np.abs(delta) ** p) / len(Q)
        i = np.argmax(g <= grid) if np.any(g <= grid) else 39
        low, high = grid[max(i - 1, 0)], grid[i]
    return high

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    return np.asarray(pi), R + gamma * np.einsum("san,nb,nb->sa", P, pi, Q), np.float64(epsilon)
