# expected: log_backward=5 policy=20 forward=20 smooth=20
# about: a wrong idea in the first problem
# ideas: steps in reverse order | - | - | -
# like: honest-logaddexp

# %% solution="log_backward"
def lse(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    return np.log(np.sum(np.exp(x - m), axis=axis)) + np.squeeze(m, axis=axis)

def log_backward(P, R, rho, T):
    qs, vs, v = [], [], np.zeros(len(rho))
    for t in reversed(range(T)):
        q = reward_at(R, t) + lse(np.log(P) + v, 2)
        v = lse(np.log(rho) + q, 1)
        qs.append(q)
        vs.append(v)
    return np.array(qs), np.array(vs)
