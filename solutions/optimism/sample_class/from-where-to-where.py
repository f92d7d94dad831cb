# expected: posterior_dynamics=0 opt_vs_var=0 min_lottery_p=16 belief_and_fact=7
# about: reads P from the wrong side; wants more than certainty; forgets mu0
# ideas: transition read backwards | transition read backwards | nothing where the offers are equal | first state without mu0
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    x = np.log(P.transpose(2, 1, 0)) + log_beta_next
    m = x.max(axis=2, keepdims=True)
    w = np.exp(x - np.where(np.isinf(m), 0, m))
    total = w.sum(axis=2, keepdims=True)
    return w / np.where(total > 0, total, 1)

# %% solution="opt_vs_var"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def soft(P, V):
    return lse(np.log(P) + V, 2)

def mean(P, V):
    return np.sum(P * np.where(P > 0, V, 0), axis=2)

def act(Q, V, rho):
    return np.nan_to_num(rho * np.exp(Q - V[:, None]))

def opt_vs_var(P, R, rho, T):
    vs, ws = np.zeros((T + 1, len(rho))), np.zeros((T + 1, len(rho)))
    p, q = np.zeros((T, *rho.shape)), np.zeros((T, *rho.shape))
    for t in reversed(range(T)):
        V, W = vs[t + 1], ws[t + 1]
        X = reward_at(R, t) + soft(P.transpose(2, 1, 0), V)
        Y = reward_at(R, t) + mean(P.transpose(2, 1, 0), W)
        vs[t], ws[t] = lse(np.log(rho) + X, 1), lse(np.log(rho) + Y, 1)
        p[t], q[t] = act(X, vs[t], rho), act(Y, ws[t], rho)
    return vs[:T], ws[:T], p, q

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    p = np.exp(safe - gap) * np.expm1(-safe) / np.expm1(-gap)
    return np.where(safe >= gap, np.inf, np.where(safe <= 0, 0, p))

# %% solution="belief_and_fact"
def luck(p, v):
    x = np.log(p) + v
    w = np.exp(x - x.max(axis=-1, keepdims=True))
    return w / w.sum(axis=-1, keepdims=True)

def roll(d, moves, policy, R):
    total = 0
    for t in range(len(policy)):
        x = d[:, None] * policy[t]
        total += np.sum(x * np.where(policy[t] > 0, reward_at(R, t), 0))
        if t + 1 < len(policy):
            d = np.tensordot(x, moves[t], 2)
    return total

def belief_and_fact(P, R, mu0, policy, log_beta_s):
    hope = [luck(P, v) for v in log_beta_s[1:]]
    fact = [P] * len(policy)
    return roll(luck(np.ones(len(mu0)), log_beta_s[0]), hope, policy, R), roll(mu0, fact, policy, R)
