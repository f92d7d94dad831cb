# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: repeats epsilon = g(epsilon), but goes a fifth of the way each time

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    pi = np.zeros(Q.shape)
    for s in range(len(Q)):
        allowed = np.flatnonzero(rho[s])
        gap = Q[s, allowed] - Q[s, allowed].max()
        weight = rho[s, allowed] * (np.exp(gap / epsilon) if epsilon else gap == 0)
        pi[s, allowed] = weight / weight.sum()
    return pi

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    epsilon = 1.0
    for _ in range(400):
        V = np.einsum("sa,sa->s", boltzmann(Q, rho, epsilon), Q)
        delta = R + gamma * np.einsum("san,n->sa", P, V) - Q
        g = c / p * np.einsum("sa,sa->", rho, np.abs(delta) ** p) / len(Q)
        if abs(g - epsilon) < 1e-13 * epsilon:
            break
        epsilon += (g - epsilon) / 5
    return epsilon if epsilon > 1e-12 else 0.0

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    V = np.einsum("sa,sa->s", pi, Q)
    return pi, R + gamma * np.einsum("san,n->sa", P, V), epsilon
