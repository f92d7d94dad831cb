# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=35
# about: imports what holds the answers
# like: honest-loops
# why: those modules are withheld

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    from cs_infer.trajectories import trajectory_log_prior
    from cs_infer.mdp import TabularMDP

    mdp = TabularMDP.from_arrays(
        transition=P, reward=0 * rho, initial=mu0, action_prior=rho, horizon=len(s))
    return trajectory_log_prior(mdp, s, a)

# %% solution="posterior_enumerate"
def posterior_enumerate(P, R, mu0, rho, T):
    import cs_infer

    mdp = cs_infer.TabularMDP.from_arrays(
        transition=P, reward=R, initial=mu0, action_prior=rho, horizon=T)
    table = cs_infer.enumerate_trajectories(mdp)
    return table.states, table.actions, table.posterior
