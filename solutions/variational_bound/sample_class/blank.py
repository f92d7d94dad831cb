# expected: elbo=0 kl_gap=0 soft_vi=0
# about: as released: nothing was written
