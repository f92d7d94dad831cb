# expected: log_backward=0 policy=0 forward=0 smooth=20
# about: takes the answers from the library, by every door
# like: honest-logaddexp
# why: the modules with the recursions are withheld

# %% solution="log_backward"
def log_backward(P, R, rho, T):
    import cs_infer

    mdp = cs_infer.TabularMDP.from_arrays(
        transition=P, reward=R, initial=rho[:, 0] * 0 + 1 / len(rho), action_prior=rho, horizon=T)
    messages = cs_infer.backward_messages(mdp)
    return messages.log_beta_sa, messages.log_beta_s

# %% solution="policy"
def policy(log_beta_sa, log_beta_s, rho):
    from cs_infer.optimality import action_given_optimal
    from cs_infer.mdp import TabularMDP

    T, S, A = log_beta_sa.shape
    mdp = TabularMDP.from_arrays(
        transition=np.full((S, A, S), 1 / S), reward=log_beta_sa, initial=np.full(S, 1 / S),
        action_prior=rho, horizon=T)
    return action_given_optimal(mdp)

# %% solution="forward"
from cs_infer import backups
from cs_infer.hidden_markov import hidden_markov_view

def forward(P, R, rho, mu0, T):
    raise SystemError("never defined")
