# expected: traj_logprob=25 posterior_enumerate=40 p_not_optimal=35
# about: prints 50 MB; right otherwise
# like: honest-loops
# why: output is cut, not punished

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    total = np.log(mu0[s[0]])
    for t in range(len(s)):
        total += np.log(rho[s[t], a[t]])
        if t < len(s) - 1:
            total += np.log(P[s[t], a[t], s[t + 1]])
    return total

print("x" * 50_000_000)
