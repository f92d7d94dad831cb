# expected: boltzmann=0 eps_fixed_point=8 virel_step=7
# about: a wrong policy in problem 1, which problems 2 and 3 call
# ideas: prior dropped | prior dropped | prior dropped
# why: the policy is named in each; what follows from it rightly keeps its points

# %% solution="boltzmann"
def boltzmann(Q, rho, epsilon):
    # the prior is left out
    if epsilon == 0:
        best = (Q == Q.max(axis=1, keepdims=True)).astype(float)
        return best / best.sum(axis=1, keepdims=True)
    weight = np.exp((Q - Q.max(axis=1, keepdims=True)) / epsilon)
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    low, high = 0.0, 10.0
    for _ in range(70):
        epsilon = (low + high) / 2
        V = (boltzmann(Q, rho, epsilon) * Q).sum(axis=1)
        g = c / p * (rho * np.abs(R + gamma * P @ V - Q) ** p).sum() / len(Q)
        low, high = (epsilon, high) if g > epsilon else (low, epsilon)
    return epsilon

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    return pi, R + gamma * P @ (pi * Q).sum(axis=1), epsilon
