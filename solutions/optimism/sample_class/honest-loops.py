# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: loops over states and actions, one number at a time

# %% solution="posterior_dynamics"
import math

def posterior_dynamics(P, log_beta_next):
    S, A, _ = P.shape
    belief = np.zeros((S, A, S))
    for s in range(S):
        for a in range(A):
            hopeful = [n for n in range(S) if P[s, a, n] > 0 and log_beta_next[n] > -math.inf]
            if not hopeful:
                continue
            top = max(log_beta_next[n] for n in hopeful)
            for n in hopeful:
                belief[s, a, n] = P[s, a, n] * math.exp(log_beta_next[n] - top)
            belief[s, a] /= belief[s, a].sum()
    return belief

# %% solution="opt_vs_var"
import math

def soft_max(weights, values):
    pairs = [(w, x) for w, x in zip(weights, values) if w > 0 and x > -math.inf]
    if not pairs:
        return -math.inf
    top = max(x for w, x in pairs)
    return top + math.log(sum(w * math.exp(x - top) for w, x in pairs))

def average(weights, values):
    return sum(w * x for w, x in zip(weights, values) if w > 0)

def plan(P, R, rho, T, ahead):
    S, A = rho.shape
    V, pi = np.zeros((T + 1, S)), np.zeros((T, S, A))
    for t in range(T - 1, -1, -1):
        r = reward_at(R, t)
        for s in range(S):
            Q = [r[s, a] + ahead(P[s, a], V[t + 1]) for a in range(A)]
            V[t, s] = soft_max(rho[s], Q)
            for a in range(A):
                if rho[s, a] > 0 and V[t, s] > -math.inf:
                    pi[t, s, a] = rho[s, a] * math.exp(Q[a] - V[t, s])
    return V[:T], pi

def opt_vs_var(P, R, rho, T):
    V_opt, pi_opt = plan(P, R, rho, T, soft_max)
    V_var, pi_var = plan(P, R, rho, T, average)
    return V_opt, V_var, pi_opt, pi_var

# %% solution="min_lottery_p"
import math

def min_lottery_p(gap, safe):
    if np.ndim(gap) > 0:
        pairs = zip(np.ravel(gap), np.ravel(safe))
        return np.reshape([min_lottery_p(g, b) for g, b in pairs], np.shape(gap))
    if safe <= 0:
        return 0.0
    if safe > gap:
        return math.inf
    return math.exp(safe - gap) * math.expm1(-safe) / math.expm1(-gap)

# %% solution="belief_and_fact"
import math

def reweigh(p, log_beta):
    top = max(log_beta)
    w = [p[n] * math.exp(log_beta[n] - top) for n in range(len(p))]
    return [x / sum(w) for x in w]

def belief_and_fact(P, R, mu0, policy, log_beta_s):
    T, S, A = policy.shape
    returns = []
    for lucky in (True, False):
        state = reweigh(mu0, log_beta_s[0]) if lucky else list(mu0)
        total = 0.0
        for t in range(T):
            r = reward_at(R, t)
            after = [0.0] * S
            for s in range(S):
                for a in range(A):
                    p = state[s] * policy[t, s, a]
                    if p == 0:
                        continue
                    total += p * r[s, a]
                    if t < T - 1:
                        move = reweigh(P[s, a], log_beta_s[t + 1]) if lucky else P[s, a]
                        for n in range(S):
                            after[n] += p * move[n]
            state = after
        returns.append(total)
    return tuple(returns)
