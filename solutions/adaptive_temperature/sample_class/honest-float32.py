# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: everything in 32 bits

# %% solution="boltzmann"
f32 = np.float32

def boltzmann(Q, rho, epsilon):
    Q, rho, epsilon = f32(Q), f32(rho), f32(epsilon)
    Q = np.where(rho > 0, Q, f32(-np.inf))
    gap = Q - Q.max(axis=1, keepdims=True)
    weight = rho * (np.exp(gap / epsilon) if epsilon > 0 else f32(gap == 0))
    return weight / weight.sum(axis=1, keepdims=True)

# %% solution="eps_fixed_point"
def backed_up(Q, P, R, gamma, pi):
    return f32(R) + f32(gamma) * (f32(P) @ (pi * f32(Q)).sum(axis=1))

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    low, high = f32(0), f32(10)
    for _ in range(45):
        epsilon = (low + high) / f32(2)
        delta = np.abs(backed_up(Q, P, R, gamma, boltzmann(Q, rho, epsilon)) - f32(Q))
        if f32(c) / f32(p) * (f32(rho) * delta ** f32(p)).sum(axis=1).mean() > epsilon:
            low = epsilon
        else:
            high = epsilon
    return high

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    return pi, backed_up(Q, P, R, gamma, pi), epsilon
