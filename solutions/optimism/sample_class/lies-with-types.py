# expected: posterior_dynamics=0 opt_vs_var=0 min_lottery_p=0 belief_and_fact=0
# about: arrays that say they are right, numbers that are all numbers, parts that never end
# why: only plain numbers cross the border, whatever their class says of itself

# %% solution="posterior_dynamics"
class Right(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)
    __le__ = __lt__ = __ge__ = __gt__ = __eq__
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.ones(self.shape, bool)
    def any(self, *args, **kwargs):
        return False
    def sum(self, *args, **kwargs):
        return np.ones(self.shape[:2])

def posterior_dynamics(P, log_beta_next):
    P[:] = log_beta_next[:] = np.nan
    return np.full(P.shape, -0.0).view(Right)

# %% solution="opt_vs_var"
def opt_vs_var(P, R, rho, T):
    return (part.astype(complex) for part in (R, R, rho, rho))

# %% solution="min_lottery_p"
class Any(float):
    def __eq__(self, other):
        return True
    __le__ = __ge__ = __lt__ = __gt__ = __eq__
    __hash__ = float.__hash__
    def __sub__(self, other):
        return 0.0
    __rsub__ = __sub__

def min_lottery_p(gap, safe):
    if np.ndim(gap):
        return np.full(np.shape(gap), Any(-0.5), dtype=object)
    return Any(-0.5)

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    return {0: 1.0, 1: 2.0}, np.datetime64("2024-01-01")
