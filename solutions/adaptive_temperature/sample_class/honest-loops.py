# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: plain Python loops over states, actions and next states; halving a bracket

# %% solution="boltzmann"
import math

def boltzmann(Q, rho, epsilon):
    S, A = Q.shape
    pi = np.zeros((S, A))
    for s in range(S):
        best = -math.inf
        for a in range(A):
            if rho[s, a] > 0 and Q[s, a] > best:
                best = Q[s, a]
        total = 0.0
        for a in range(A):
            if rho[s, a] == 0:
                continue
            if epsilon == 0:
                weight = rho[s, a] if Q[s, a] == best else 0.0
            else:
                weight = rho[s, a] * math.exp((Q[s, a] - best) / epsilon)
            pi[s, a] = weight
            total += weight
        for a in range(A):
            pi[s, a] /= total
    return pi

# %% solution="eps_fixed_point"
def look_ahead(Q, P, R, gamma, pi):
    S, A = Q.shape
    T = np.zeros((S, A))
    V = [sum(pi[s, a] * Q[s, a] for a in range(A)) for s in range(S)]
    for s in range(S):
        for a in range(A):
            T[s, a] = R[s, a]
            for s2 in range(S):
                T[s, a] += gamma * P[s, a, s2] * V[s2]
    return T

def bellman_error(Q, P, R, rho, gamma, c, p, epsilon):
    S, A = Q.shape
    T = look_ahead(Q, P, R, gamma, boltzmann(Q, rho, epsilon))
    total = 0.0
    for s in range(S):
        for a in range(A):
            total += rho[s, a] * abs(T[s, a] - Q[s, a]) ** p
    return c / p * total / S

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    low, high = 0.0, 10.0
    while high - low > 1e-9 * high and high > 1e-12:
        middle = 0.5 * (low + high)
        if bellman_error(Q, P, R, rho, gamma, c, p, middle) > middle:
            low = middle
        else:
            high = middle
    return high

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    pi = boltzmann(Q, rho, epsilon)
    return pi, look_ahead(Q, P, R, gamma, pi), epsilon
