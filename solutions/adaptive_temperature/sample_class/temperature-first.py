# expected: boltzmann=20 eps_fixed_point=35 virel_step=0
# about: all right, in another order
# like: honest-apart

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    return epsilon, pi, R + gamma * P @ (pi * Q).sum(axis=1)
