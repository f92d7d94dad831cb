# expected: elbo=30 kl_gap=25 soft_vi=30
# about: torch tensors in, tensors returned; the visits are carried along by einsum

# %% solution="elbo"
import torch

def elbo(P, R, mu0, rho, policy, alpha):
    P, R, d, rho, policy = map(torch.tensor, (P, R, mu0, rho, policy))
    terms = []
    for t, pi in enumerate(policy):
        w = d[:, None] * pi
        gain = reward_at(R, t) / alpha + rho.log() - pi.log()
        terms.append(torch.where(w > 0, w * gain, torch.zeros_like(w)).sum())
        d = torch.einsum("sa,san->n", w, P)
    return torch.stack(terms).sum()

# %% solution="kl_gap"
def soft(p, v):
    return torch.logsumexp(torch.where(p > 0, p.log() + v, torch.tensor(-torch.inf)), dim=-1)

def plain(p, v):
    return torch.where(p > 0, p * v, torch.zeros_like(p)).sum(dim=-1)

def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    P, R, d, rho, policy, v = map(torch.tensor, (P, R, mu0, rho, policy, log_beta_s))
    v = torch.cat([v, torch.zeros(1, len(d), dtype=v.dtype)])
    mine, luck = 0.0, soft(d, v[0]) - plain(d, v[0])
    for t, pi in enumerate(policy):
        hope = soft(P, v[t + 1])
        told = rho.log() + reward_at(R, t) / alpha + hope - v[t][:, None]
        w = d[:, None] * pi
        alive = torch.isfinite(v[t])[:, None] & (w > 0)
        mine = mine + torch.where(alive, w * (pi.log() - told), torch.zeros_like(w)).sum()
        price = torch.where(torch.isfinite(hope), hope - plain(P, v[t + 1]), torch.zeros_like(w))
        luck = luck + torch.where(w > 0, w * price, torch.zeros_like(w)).sum()
        d = torch.einsum("sa,san->n", w, P)
    return mine, luck

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    P, R, rho = map(torch.tensor, (P, R, rho))
    V = torch.zeros(len(P), dtype=P.dtype)
    for _ in range(20 + int(20 / (1 - gamma))):
        Q = R + gamma * plain(P, V)
        logits = rho.log() + Q / alpha
        V = alpha * torch.logsumexp(logits, dim=1)
    return Q, V, torch.softmax(logits, dim=1).nan_to_num(0.0)
