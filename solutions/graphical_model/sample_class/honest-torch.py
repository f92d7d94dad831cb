# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: torch tensors, with gradients, returned as they are

# %% solution="traj_logprob"
import torch

def traj_logprob(P, mu0, rho, s, a):
    P, mu0, rho = (torch.tensor(x, requires_grad=True) for x in (P, mu0, rho))
    s, a = torch.as_tensor(s), torch.as_tensor(a)
    return mu0[s[0]].log() + rho[s, a].log().sum() + P[s[:-1], a[:-1], s[1:]].log().sum()

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    P, R, mu0, rho = map(torch.tensor, (P, R, mu0, rho))
    S, A = rho.shape
    pairs = torch.cartesian_prod(*[torch.arange(S * A)] * T).reshape(-1, T)
    s, a = pairs // A, pairs % A
    log_p = mu0[s[:, 0]].log() + (rho[s, a].log() + R[s, a]).sum(1)
    log_p = log_p + P[s[:, :-1], a[:, :-1], s[:, 1:]].log().sum(1)
    return s, a, torch.softmax(log_p, 0)

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    w = torch.tensor(rho) * -torch.expm1(torch.tensor(R))
    total = w.sum(1, keepdim=True)
    return torch.where(total > 0, w / total, torch.zeros_like(w))
