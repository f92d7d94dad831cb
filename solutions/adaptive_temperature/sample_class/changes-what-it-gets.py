# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: right, and leaves its arguments in ruins
# like: honest-apart
# why: every call gets copies, and the comparison uses the checker's own

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    Q[rho == 0] = -np.inf
    Q -= Q.max(axis=1, keepdims=True)
    rho *= np.exp(Q / epsilon) if epsilon > 0 else Q == 0
    rho /= rho.sum(axis=1, keepdims=True)
    Q[:] = np.nan
    return rho

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q.copy(), P, R, rho.copy(), gamma, c, p)
    pi = boltzmann(Q.copy(), rho.copy(), epsilon)
    R += gamma * P @ (pi * Q).sum(axis=1)
    Q[:], P[:] = 0, np.nan
    return pi, R, epsilon
