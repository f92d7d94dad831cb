# expected: elbo=3 kl_gap=25 soft_vi=3
# about: a list that outlives the call; V of the last problem as the first guess of the next
# like: honest-arrays

# %% solution="elbo"
terms = []

def elbo(P, R, mu0, rho, policy, alpha):
    d = mu0
    for t in range(len(policy)):
        w = d[:, None] * policy[t]
        gain = reward_at(R, t) / alpha + np.log(rho) - np.log(policy[t])
        terms.append(np.sum(w[w > 0] * gain[w > 0]))
        d = np.einsum("sa,san->n", w, P)
    return sum(terms)

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma, memory={}):
    V = memory.get(len(P), np.zeros(len(P)))
    for _ in range(2):
        Q = R + gamma * (P @ V)
        top = Q.max(axis=1)
        V = top + alpha * np.log(np.sum(rho * np.exp((Q - top[:, None]) / alpha), axis=1))
    memory[len(P)] = V
    return Q, V, rho * np.exp((Q - V[:, None]) / alpha)
