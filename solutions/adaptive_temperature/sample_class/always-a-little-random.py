# expected: boltzmann=20 eps_fixed_point=29 virel_step=30
# about: never quite zero in problem 2
# ideas: - | never quite zero | -
# like: honest-apart

# %% solution="eps_fixed_point"
def policy_at(Q, rho, epsilon):
    gap = np.where(rho > 0, Q, -np.inf)
    gap = gap - gap.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = rho * np.exp(np.where(gap == 0, 0.0, gap / epsilon))
    return weight / weight.sum(axis=1, keepdims=True)

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def g(epsilon):
        pi = policy_at(Q, rho, epsilon)
        V = np.sum(pi * Q, axis=1)
        delta = R + gamma * P @ V - Q
        return c / p * np.mean(np.sum(rho * np.abs(delta) ** p, axis=1))

    low, high = 0.0, 4.0
    while g(high) > high and high < 1e9:
        high *= 2
    for _ in range(90):
        middle = (low + high) / 2
        if g(middle) > middle:
            low = middle
        else:
            high = middle
    return max(high, 0.01)  # a little randomness is always good
