# expected: elbo=30 kl_gap=25 soft_vi=30
# about: loops over states and actions, one number at a time

# %% solution="elbo"
import math

def elbo(P, R, mu0, rho, policy, alpha):
    T, S, A = policy.shape
    state, total = list(mu0), 0.0
    for t in range(T):
        r, after = reward_at(R, t), [0.0] * S
        for s in range(S):
            for a in range(A):
                p = state[s] * policy[t, s, a]
                if p == 0:
                    continue
                if rho[s, a] == 0:
                    return -math.inf
                total += p * (r[s, a] / alpha + math.log(rho[s, a] / policy[t, s, a]))
                for n in range(S):
                    after[n] += p * P[s, a, n]
        state = after
    return total

# %% solution="kl_gap"
import math

def soft_average(weights, values):
    pairs = [(w, x) for w, x in zip(weights, values) if w > 0 and x > -math.inf]
    if not pairs:
        return -math.inf
    top = max(x for w, x in pairs)
    return top + math.log(sum(w * math.exp(x - top) for w, x in pairs))

def luck(weights, values):
    hope = soft_average(weights, values)
    if hope == -math.inf:
        return 0.0
    return sum(w * (hope - x) for w, x in zip(weights, values) if w > 0)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    T, S, A = policy.shape
    state, mine, dice = list(mu0), 0.0, luck(mu0, log_beta_s[0])
    for t in range(T):
        r, moved = reward_at(R, t), [0.0] * S
        later = log_beta_s[t + 1] if t + 1 < T else [0.0] * S
        for s in range(S):
            for a in range(A):
                p = state[s] * policy[t, s, a]
                if p == 0:
                    continue
                for n in range(S):
                    moved[n] += p * P[s, a, n]
                dice += p * luck(P[s, a], later)
                if log_beta_s[t, s] == -math.inf:
                    continue
                gain = r[s, a] / alpha + soft_average(P[s, a], later) - log_beta_s[t, s]
                if rho[s, a] == 0 or gain == -math.inf:
                    mine = math.inf
                else:
                    mine += p * (math.log(policy[t, s, a] / rho[s, a]) - gain)
        state = moved
    return mine, dice

# %% solution="soft_vi"
import math

def soft_vi(P, R, rho, alpha, gamma):
    S, A = rho.shape
    P, R, rho = P.tolist(), R.tolist(), rho.tolist()
    V = [0.0] * S
    change = math.inf
    while change > 1e-8 * (1 - gamma):
        Q = [[R[s][a] for a in range(A)] for s in range(S)]
        for s in range(S):
            for a in range(A):
                for n in range(S):
                    if P[s][a][n] > 0 and gamma > 0:
                        Q[s][a] += gamma * P[s][a][n] * V[n]
        new = [alpha * soft_average(rho[s], [q / alpha for q in Q[s]]) for s in range(S)]
        change = max(0.0 if x == y else abs(x - y) for x, y in zip(new, V))
        V = new
    policy = [[0.0] * A for s in range(S)]
    for s in range(S):
        for a in range(A):
            if rho[s][a] > 0 and V[s] > -math.inf:
                policy[s][a] = rho[s][a] * math.exp((Q[s][a] - V[s]) / alpha)
    return Q, V, policy
