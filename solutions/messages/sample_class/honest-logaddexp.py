# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: np.logaddexp does the sums

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    log_P, log_rho = np.log(P), np.log(rho)
    nxt, sa, st = np.zeros(len(rho)), [], []
    for t in range(T)[::-1]:
        q = reward_at(R, t) + np.logaddexp.reduce(log_P + nxt, axis=2)
        nxt = np.logaddexp.reduce(log_rho + q, axis=1)
        sa.insert(0, q)
        st.insert(0, nxt)
    return np.stack(sa), np.stack(st)

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    with np.errstate(invalid="ignore"):
        pi = np.exp(np.log(rho) + log_beta_sa - log_beta_s[:, :, None])
    return np.nan_to_num(pi, nan=0.0)

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    f = [np.log(mu0)]
    for t in range(T - 1):
        joint = f[-1][:, None] + np.log(rho) + reward_at(R, t)
        f.append(np.logaddexp.reduce(joint[:, :, None] + np.log(P), axis=(0, 1)))
    return np.stack(f)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    joint = log_forward + log_beta_s
    p = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    return np.where(np.isnan(p), 0, p)
