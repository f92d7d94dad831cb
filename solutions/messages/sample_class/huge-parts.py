# expected: log_backward=0 policy=0 forward=0 smooth=20
# about: answers without end, of a billion numbers that take no room, and of too many parts
# like: honest-logaddexp
# why: what crosses the border is counted before it is copied; the next problem is graded

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    return (np.zeros((T, *rho.shape)) for _ in iter(int, 1))

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    return np.broadcast_to(0.5, (2**33,))

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    return [np.broadcast_to(0.0, (2**31,))] * 1000
