# expected: elbo=0 kl_gap=0 soft_vi=0
# about: takes the answers from the library, by several doors
# why: the modules that hold them are withheld

# %% solution="elbo"
import cs_infer

def problem(P, R, mu0, rho, T, alpha):
    return cs_infer.TabularMDP.from_arrays(
        transition=P, reward=R, initial=mu0, action_prior=rho, horizon=T, temperature=alpha)

def elbo(P, R, mu0, rho, policy, alpha):
    return cs_infer.elbo(problem(P, R, mu0, rho, len(policy), alpha), policy)

# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    from cs_infer.bound import kl_to_posterior

    gap = kl_to_posterior(problem(P, R, mu0, rho, len(policy), alpha), policy)
    return gap.policy, gap.luck + gap.initial

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    from importlib import import_module

    stationary = import_module("cs_infer.stationary")
    mdp = problem(P, R, np.ones(len(P)) / len(P), rho, 1, alpha)
    found = stationary.stationary_soft_values(mdp, discount=gamma)
    return found.Q, found.V, found.policy
