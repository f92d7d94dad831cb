# expected: log_backward=39 policy=20 forward=20 smooth=20
# about: right, by a recursion that goes 1,000 calls deep
# like: honest-logaddexp
# why: Python stops it; the property of long problems says so, the others hold

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    def from_step(t):
        if t == T:
            return [], [np.zeros(len(rho))]
        later_sa, later_s = from_step(t + 1)
        sa = reward_at(R, t) + np.logaddexp.reduce(np.log(P) + later_s[0], axis=2)
        return [sa] + later_sa, [np.logaddexp.reduce(np.log(rho) + sa, axis=1)] + later_s

    sa, s = from_step(0)
    return np.array(sa), np.array(s[:-1])
