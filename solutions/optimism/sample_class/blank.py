# expected: posterior_dynamics=0 opt_vs_var=0 min_lottery_p=0 belief_and_fact=0
# about: as released: nothing was written
