# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=0
# about: a call that never returns and swallows every exception
# like: honest-loops
# why: the process is killed from outside

# %% solution="p_not_optimal"
def p_not_optimal(R, rho):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
