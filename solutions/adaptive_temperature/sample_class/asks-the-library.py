# expected: boltzmann=0 eps_fixed_point=0 virel_step=0
# about: takes the answers from the library, by several doors
# like: honest-apart
# why: the modules that hold them are withheld

# %% solution="boltzmann"
import cs_infer

def as_mdp(P, R, rho):
    return cs_infer.TabularMDP.from_arrays(
        transition=P, reward=R, initial=np.full(len(R), 1 / len(R)), action_prior=rho, horizon=1)

def boltzmann(Q, rho, epsilon):
    S, A = Q.shape
    mdp = as_mdp(np.full((S, A, S), 1 / S), np.zeros((S, A)), rho)
    return cs_infer.boltzmann_policy(mdp, Q, epsilon)

# %% solution="eps_fixed_point"
def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    from cs_infer.cooling import adaptive_temperature

    return adaptive_temperature(as_mdp(P, R, rho), Q, discount=gamma, c=c, p=p)

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    import importlib

    steps = importlib.import_module("cs_infer.cooling").virel_steps(
        as_mdp(P, R, rho), discount=gamma, c=c, p=p, Q=Q)
    step = next(steps)
    return step.policy, step.target, step.temperature
