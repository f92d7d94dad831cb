# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: mantissa and exponent kept apart: ordinary numbers, each with a scale of its own

# %% solution="log_backward"
# A number is m * exp(c); arrays of m and of c are kept side by side.

def add_up(p, m, c, axis):
    """sum of p * m * exp(c) along an axis, as a mantissa and an exponent."""
    live = (p > 0) & (m > 0)
    top = np.max(np.where(live, c, -np.inf), axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    m = np.sum(np.where(live, p * m * np.exp(np.where(live, c, top) - top), 0.0), axis=axis)
    m, e = np.frexp(m)
    return m, top.squeeze(axis) + e * np.log(2)

def log_backward(P, R, rho, T):
    S, A = rho.shape
    m, c = np.ones(S), np.zeros(S)
    sa, st = np.zeros((T, S, A)), np.zeros((T, S))
    for t in reversed(range(T)):
        r = np.broadcast_to(reward_at(R, t), (S, A))
        never = np.isneginf(r)
        qm, qc = add_up(P, np.broadcast_to(m, P.shape), np.broadcast_to(c, P.shape), 2)
        qm, qc = np.where(never, 0.0, qm), qc + np.where(never, 0.0, r)
        m, c = add_up(rho, qm, qc, 1)
        sa[t], st[t] = np.log(qm) + qc, np.log(m) + c
    return sa, st

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    top = log_beta_sa.max(axis=2, keepdims=True)
    weight = rho * np.exp(log_beta_sa - np.where(np.isinf(top), 0, top))
    allowed = np.where(rho > 0, log_beta_sa, -np.inf).max(axis=2, keepdims=True)
    weight = rho * np.exp(np.where(rho > 0, log_beta_sa, -np.inf) - np.where(np.isinf(allowed), 0, allowed))
    total = weight.sum(axis=2, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    S, A = rho.shape
    m, c = mu0.astype(float), np.zeros(S)
    rows = []
    for t in range(T):
        rows.append(np.log(m) + c)
        r = np.broadcast_to(reward_at(R, t), (S, A))
        never = np.isneginf(r)
        jm = np.where(never, 0.0, rho * m[:, None])
        jc = c[:, None] + np.where(never, 0.0, r)
        into = P.reshape(S * A, S)
        m, c = add_up(into, np.repeat(jm.reshape(-1, 1), S, 1), np.repeat(jc.reshape(-1, 1), S, 1), 0)
    return np.array(rows)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    joint = log_forward + log_beta_s
    answer = np.zeros(joint.shape)
    for row, out in zip(joint, answer):
        possible = row > -np.inf
        if possible.any():
            out[possible] = np.exp(row[possible] - row[possible].max())
            out /= out.sum()
    return answer
