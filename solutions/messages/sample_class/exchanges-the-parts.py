# expected: log_backward=0 policy=20 forward=0 smooth=0
# about: returns the messages of the states first, T + 1 of them, and a table too deep
# like: honest-logaddexp
# why: what cannot be read is explained, and earns nothing

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    nxt, sa, st = np.zeros(len(rho)), [], []
    for t in range(T)[::-1]:
        sa.insert(0, reward_at(R, t) + np.logaddexp.reduce(np.log(P) + nxt, axis=2))
        nxt = np.logaddexp.reduce(np.log(rho) + sa[0], axis=1)
        st.insert(0, nxt)
    return np.stack(st), np.stack(sa)

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    f = [np.log(mu0)]
    for t in range(T):
        joint = f[-1][:, None] + np.log(rho) + reward_at(R, t)
        f.append(np.logaddexp.reduce(joint[:, :, None] + np.log(P), axis=(0, 1)))
    return np.stack(f)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    joint = log_forward + log_beta_s
    joint = joint - joint.max(axis=1, keepdims=True)
    return np.exp(joint)[None]
