# expected: posterior_dynamics=25 opt_vs_var=35 min_lottery_p=20 belief_and_fact=20
# about: never shifts anything far: probabilities as fractions of the row's best, and a table of cases
# like: honest-loops

# %% solution="posterior_dynamics"
def posterior_dynamics(P, log_beta_next):
    belief = np.zeros(P.shape)
    for i in np.ndindex(P.shape):
        s, a, n = i
        if P[i] == 0 or log_beta_next[n] == -np.inf:
            continue
        # one over the sum of odds against this next state
        with np.errstate(over="ignore"):
            odds = np.exp(np.minimum(log_beta_next - log_beta_next[n], 700))
        belief[i] = 1 / np.sum(P[s, a][P[s, a] > 0] / P[i] * odds[P[s, a] > 0])
    return belief
