# expected: boltzmann=0 eps_fixed_point=0 virel_step=0
# about: hopes for the points of actor and critic without a temperature
# like: honest-apart
# why: they are earned at the temperature that is returned, which must be finite; a huge one is fair

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    return rho

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    return np.inf

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    return rho, R + gamma * P @ (rho * Q).sum(axis=1), np.inf
