# expected: boltzmann=0 eps_fixed_point=0 virel_step=0
# about: as released: nothing was written
