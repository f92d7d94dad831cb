# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: lists and comprehensions, exact fractions of a row; false position with the Illinois trick

# %% solution="boltzmann"
from math import exp

def row(values, prior, epsilon):
    best = max(q for q, r in zip(values, prior) if r > 0)
    if epsilon > 0:
        weights = [r * exp(min(0.0, q - best) / epsilon) if r > 0 else 0.0 for q, r in zip(values, prior)]
    else:
        weights = [r if q == best else 0.0 for q, r in zip(values, prior)]
    return [w / sum(weights) for w in weights]

def boltzmann(Q, rho, epsilon):
    return [row(q, r, epsilon) for q, r in zip(Q.tolist(), rho.tolist())]

# %% solution="eps_fixed_point"
def targets(Q, P, R, gamma, policy):
    V = [sum(x * q for x, q in zip(xs, qs)) for xs, qs in zip(policy, Q.tolist())]
    return [
        [r + gamma * sum(pr * v for pr, v in zip(ps, V)) for r, ps in zip(rs, pss)]
        for rs, pss in zip(R.tolist(), P.tolist())
    ]

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    def surplus(epsilon):
        T = targets(Q, P, R, gamma, boltzmann(Q, rho, epsilon))
        sizes = [
            sum(w * abs(t - q) ** p for w, t, q in zip(ws, ts, qs))
            for ws, ts, qs in zip(rho.tolist(), T, Q.tolist())
        ]
        return c / p * sum(sizes) / len(sizes) - epsilon

    a, b = 0.0, 10.0
    fa, fb = surplus(a), surplus(b)
    if fa < 1e-14:
        return 0.0
    side = 0
    for _ in range(200):
        x = (a * fb - b * fa) / (fb - fa)
        fx = surplus(x)
        if abs(fx) < 1e-14:
            break
        if fx > 0:
            a, fa = x, fx
            fb = fb / 2 if side == 1 else fb
            side = 1
        else:
            b, fb = x, fx
            fa = fa / 2 if side == -1 else fa
            side = -1
        if b - a < 1e-13:
            break
    return x

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    policy = boltzmann(Q, rho, epsilon)
    return [policy, targets(Q, P, R, gamma, policy), epsilon]
