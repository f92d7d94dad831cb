# expected: log_backward=0 policy=0 forward=0 smooth=0
# about: as released: nothing was written
