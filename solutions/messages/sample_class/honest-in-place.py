# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: whole arrays at once where it can be, changes its inputs, prints and plots

# %% solution="log_backward"
import matplotlib.pyplot as plt

%matplotlib inline

def log_backward(P, R, rho, T):
    print("T is", T, "and R has shape", R.shape)
    R = np.broadcast_to(R, (T,) + rho.shape).copy()
    np.log(P, out=P)
    np.log(rho, out=rho)
    b = np.zeros((T + 1, len(rho)))
    for t in range(T - 1, -1, -1):
        x = P + b[t + 1]
        R[t] += np.logaddexp.reduce(x, axis=2)
        b[t] = np.logaddexp.reduce(rho + R[t], axis=1)
    P[:] = np.nan
    return R, b[:-1]

plt.plot(log_backward(P.copy(), R, rho.copy(), 5)[1])
plt.show()

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    log_beta_s[np.isinf(log_beta_s)] = 0
    log_beta_sa -= log_beta_s[:, :, None]
    log_beta_sa[:, rho == 0] = -np.inf
    np.exp(log_beta_sa, out=log_beta_sa)
    log_beta_sa *= rho
    return log_beta_sa

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    P, rho = np.log(P), np.log(rho)
    f = np.log(np.tile(mu0, (T, 1)))
    for t in range(1, T):
        step = rho + reward_at(R, t - 1)
        f[t] = np.logaddexp.reduce((f[t - 1][:, None] + step)[..., None] + P, axis=(0, 1))
    return f

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    log_forward += log_beta_s
    peak = log_forward.max(axis=1, keepdims=True)
    peak[np.isinf(peak)] = 0
    log_forward -= peak
    np.exp(log_forward, out=log_forward)
    log_forward /= log_forward.sum(axis=1, keepdims=True).clip(1e-300)
    return log_forward
