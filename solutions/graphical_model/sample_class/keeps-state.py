# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: right, remembers earlier calls
# like: honest-loops

# %% solution="traj_logprob"
calls, memory = 0, {}

def traj_logprob(P, mu0, rho, s, a):
    global calls
    calls += 1
    key = (P.tobytes(), mu0.tobytes(), rho.tobytes(), s.tobytes(), a.tobytes())
    if key not in memory:
        total = np.log(mu0[s[0]]) + np.log(rho[s, a]).sum()
        memory[key] = total + np.log(P[s[:-1], a[:-1], s[1:]]).sum()
    return memory[key]
