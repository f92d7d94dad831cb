# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: torch tensors in, tensors returned

# %% solution="posterior_dynamics"
import torch

def posterior_dynamics(P, log_beta_next):
    joint = torch.tensor(P).log() + torch.tensor(log_beta_next)
    return torch.softmax(joint, dim=2).nan_to_num(0.0)

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    P, R, rho = map(torch.tensor, (P, R, rho))
    found = []
    for ahead in (
        lambda v: torch.logsumexp(P.log() + v, dim=2),
        lambda v: torch.where(P > 0, P * v, torch.zeros_like(P)).sum(dim=2),
    ):
        v = torch.zeros(len(rho), dtype=P.dtype)
        rows = []
        for t in reversed(range(T)):
            joint = rho.log() + reward_at(R, t) + ahead(v)
            v = torch.logsumexp(joint, dim=1)
            rows.append((v, torch.softmax(joint, dim=1).nan_to_num(0.0)))
        found.append([torch.stack(part) for part in zip(*rows[::-1])])
    (V_opt, pi_opt), (V_var, pi_var) = found
    return V_opt, V_var, pi_opt, pi_var

# %% solution="min_lottery_p"
def min_lottery_p(gap, safe):
    gap = torch.as_tensor(gap, dtype=torch.float64)
    safe = torch.as_tensor(safe, dtype=torch.float64)
    inside = torch.clamp(torch.minimum(safe, gap), min=0.0)
    p = torch.exp(inside - gap) * torch.expm1(-inside) / torch.expm1(-gap)
    return torch.where(safe > gap, torch.full_like(p, torch.inf), p)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    P, R, mu0, policy, v = map(torch.tensor, (P, R, mu0, policy, log_beta_s))
    answer = []
    for start, lucky in ((torch.softmax(mu0.log() + v[0], 0), True), (mu0, False)):
        d, total = start, 0.0
        for t in range(len(policy)):
            taken = d[:, None] * policy[t]
            total = total + torch.where(taken > 0, taken * reward_at(R, t), 0.0).sum()
            if t + 1 < len(policy):
                kernel = torch.softmax(P.log() + v[t + 1], 2) if lucky else P
                d = torch.einsum("sa,san->n", taken, kernel)
        answer.append(total)
    return tuple(answer)
