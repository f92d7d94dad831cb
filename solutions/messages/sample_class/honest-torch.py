# expected: log_backward=40 policy=20 forward=20 smooth=20
# about: torch tensors, with gradients, returned as they are

# %% solution="log_backward"
import torch

def log_backward(P, R, rho, T):
    P, R, rho = (torch.tensor(x, requires_grad=True) for x in (P, R, rho))
    nxt = torch.zeros(len(rho), dtype=rho.dtype)
    sa, st = [], []
    for t in reversed(range(T)):
        r = R[t] if R.ndim == 3 else R
        sa.append(r + torch.logsumexp(P.log() + nxt, -1))
        nxt = torch.logsumexp(rho.log() + sa[-1], -1)
        st.append(nxt)
    return torch.stack(sa[::-1]), torch.stack(st[::-1])

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    q, rho = torch.tensor(log_beta_sa), torch.tensor(rho)
    return torch.softmax(rho.log() + q, -1).nan_to_num(0.0)

# %% solution="forward"
def forward(P, R, rho, mu0, T):
    P, R, rho, mu0 = map(torch.as_tensor, (P, R, rho, mu0))
    f = [mu0.log()]
    for t in range(T - 1):
        r = R[t] if R.ndim == 3 else R
        f.append(torch.logsumexp((f[-1][:, None] + rho.log() + r)[..., None] + P.log(), (0, 1)))
    return torch.stack(f)

# %% solution="smooth"
def smooth(log_forward, log_beta_s):
    return torch.softmax(torch.tensor(log_forward + log_beta_s), 1).nan_to_num(0.0)
