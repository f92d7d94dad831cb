# expected: boltzmann=20 eps_fixed_point=5 virel_step=30
# about: np.mean over the whole table of weighted errors
# ideas: - | divided by the number of actions | -
# like: honest-apart

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def f(eps):
        V = (boltzmann(Q, rho, eps) * Q).sum(axis=1)
        delta = R + gamma * P @ V - Q
        return c / p * np.mean(rho * np.abs(delta) ** p) - eps

    lo, hi = 0, 10
    while hi - lo > 1e-9:
        m = (lo + hi) / 2
        if f(m) > 0:
            lo = m
        else:
            hi = m
    return lo
