# expected: log_backward=28 policy=20 forward=20 smooth=20
# about: two mistakes: the reward of step 1 is used at every step, and exponentials leave the range
# like: honest-logaddexp
# why: the report names one of the two, and says that there may be more

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    r = R if R.ndim == 2 else R[0]
    q, v = np.zeros((T,) + rho.shape), np.zeros((T + 1, len(rho)))
    for t in reversed(range(T)):
        q[t] = r + np.log(P @ np.exp(v[t + 1]))
        v[t] = np.log((rho * np.exp(q[t])).sum(axis=1))
    return q, v[:T]
