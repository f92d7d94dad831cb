# expected: posterior_dynamics=25 opt_vs_var=33 min_lottery_p=20 belief_and_fact=20
# about: reads the rewards from the wrong end
# ideas: - | rewards in reverse order | - | -
# like: honest-loops

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
        X = reward_at(R, T - 1 - t) + soft(P, V)
        Y = reward_at(R, T - 1 - t) + mean(P, W)
        vs[t], ws[t] = lse(np.log(rho) + X, 1), lse(np.log(rho) + Y, 1)
        p[t], q[t] = act(X, vs[t], rho), act(Y, ws[t], rho)
    return vs[:T], ws[:T], p, q
