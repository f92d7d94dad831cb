# expected: posterior_dynamics=25 opt_vs_var=0 min_lottery_p=17 belief_and_fact=0
# about: another order of the four arrays, numbers only, and no return
# like: honest-loops
# why: the reports say which order is asked for, and that the function returned None

# %% solution="opt_vs_var"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def opt_vs_var(P, R, rho, T):
    answer = []
    for optimistic in (True, False):
        V, pi = np.zeros((T + 1, len(rho))), np.zeros((T, *rho.shape))
        for t in reversed(range(T)):
            mean = np.sum(P * np.where(P > 0, V[t + 1], 0), axis=2)
            Q = reward_at(R, t) + (lse(np.log(P) + V[t + 1], 2) if optimistic else mean)
            V[t] = lse(np.log(rho) + Q, 1)
            pi[t] = np.exp(np.log(rho) + Q - np.where(np.isinf(V[t]), 0, V[t])[:, None])
        answer += [V[:T], pi]
    return answer

# %% solution="min_lottery_p"
import math

def min_lottery_p(gap, safe):
    if safe > gap:
        return np.inf
    if safe <= 0:
        return 0.0
    return math.exp(safe - gap) * (math.exp(-safe) - 1) / (math.exp(-gap) - 1) if gap > 1e-9 else safe / gap

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    state, total = mu0, 0.0
    for t in range(len(policy)):
        total += (state[:, None] * policy[t] * reward_at(R, t)).sum()
        state = np.einsum("s,sa,san->n", state, policy[t], P)
