# expected: boltzmann=20 eps_fixed_point=0 virel_step=30
# about: halves the bracket until it is a tenth wide, whatever the temperature
# like: honest-apart
# why: no idea of the catalogue; the fault puts the answer into the equation

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    low, high = 0.0, 10.0
    while high - low > 0.1:
        epsilon = (low + high) / 2
        V = (boltzmann(Q, rho, epsilon) * Q).sum(axis=1)
        g = c / p * (rho * np.abs(R + gamma * P @ V - Q) ** p).sum() / len(Q)
        low, high = (epsilon, high) if g > epsilon else (low, epsilon)
    return high
