# expected: posterior_dynamics=0 opt_vs_var=0 min_lottery_p=0 belief_and_fact=20
# about: takes the answers from the library, by several doors
# like: honest-loops
# why: the modules that hold them are withheld

# %% solution="posterior_dynamics"
import cs_infer

def posterior_dynamics(P, log_beta_next):
    S, A, _ = P.shape
    mdp = cs_infer.TabularMDP.from_arrays(
        transition=P, reward=np.zeros((S, A)), initial=np.full(S, 1 / S), horizon=1,
        terminal_value=log_beta_next)
    return cs_infer.posterior_dynamics(mdp, 0).transition

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    from cs_infer.backups import sweep

    mdp = cs_infer.TabularMDP.from_arrays(
        transition=P, reward=R, initial=rho[:, 0] * 0 + 1 / len(rho), action_prior=rho, horizon=T)
    exact, variational = sweep(mdp, ahead="log_expect"), sweep(mdp, ahead="expect")
    return exact.total(), variational.total(), rho, rho

# %% solution="min_lottery_p"
from cs_infer.posterior import lottery_threshold as min_lottery_p

# %% solution="belief_and_fact"
def log_weights(p, log_beta):
    x = np.where(p > 0, np.log(p) + log_beta, -np.inf)
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)

def belief_and_fact(P, R, mu0, policy, log_beta_s):
    hope, fact, total = log_weights(mu0, log_beta_s[0]), mu0, np.zeros(2)
    for t in range(len(policy)):
        pay = np.where(policy[t] > 0, policy[t] * np.where(policy[t] > 0, reward_at(R, t), 0), 0)
        total += hope @ pay.sum(axis=1), fact @ pay.sum(axis=1)
        if t + 1 < len(policy):
            luck = log_weights(P, log_beta_s[t + 1])
            hope = np.einsum("s,sa,san->n", hope, policy[t], luck)
            fact = np.einsum("s,sa,san->n", fact, policy[t], P)
    return total
