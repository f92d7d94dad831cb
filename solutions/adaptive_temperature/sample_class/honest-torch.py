# expected: boltzmann=20 eps_fixed_point=35 virel_step=30
# about: torch tensors in, tensors returned; fifty temperatures at once

# %% solution="boltzmann"
import torch

torch.set_num_threads(1)  # small arrays: threads only wait for each other

def boltzmann(Q, rho, epsilon):
    Q, rho = torch.as_tensor(Q), torch.as_tensor(rho)
    Q = torch.where(rho > 0, Q, -torch.inf)
    gap = Q - Q.amax(dim=1, keepdim=True)
    epsilon = torch.as_tensor(epsilon, dtype=Q.dtype)[..., None, None]
    logits = torch.where(gap == 0, 0.0, gap / epsilon)
    pi = torch.softmax(rho.log() + logits, dim=-1)
    return pi[0] if pi.dim() > 2 and epsilon.numel() == 1 else pi

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    Q, P, R, rho = map(torch.as_tensor, (Q, P, R, rho))
    low, high = 0.0, 20.0
    for _ in range(9):
        grid = torch.linspace(low, high, 50, dtype=Q.dtype)
        V = (boltzmann(Q, rho, grid) * Q).sum(dim=-1)
        delta = R + gamma * (P * V[:, None, None, :]).sum(dim=-1) - Q
        g = c / p * (rho * delta.abs().pow(p)).sum(dim=-1).mean(dim=-1)
        enough = int((g[1:] <= grid[1:]).to(torch.int).argmax()) + 1  # the first not too cold
        low, high = grid[enough - 1].item(), grid[enough].item()
    return torch.tensor(high, dtype=Q.dtype)

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    epsilon = eps_fixed_point(Q, P, R, rho, gamma, c, p)
    Q, P, R = map(torch.as_tensor, (Q, P, R))
    pi = boltzmann(Q, rho, epsilon)
    return pi, R + gamma * (P * (pi * Q).sum(dim=-1)).sum(dim=-1), epsilon
