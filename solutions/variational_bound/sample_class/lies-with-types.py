# expected: elbo=0 kl_gap=0 soft_vi=0
# about: a number that equals every number, arrays that never end, an array that says it is right
# why: only plain numbers cross the border, whatever their class says of itself

# %% solution="elbo"
class Any(float):
    def __eq__(self, other):
        return True
    __le__ = __ge__ = __lt__ = __gt__ = __eq__
    __hash__ = float.__hash__
    def __sub__(self, other):
        return 0.0
    __rsub__ = __sub__

def elbo(P, R, mu0, rho, policy, alpha):
    return Any(0.5)

# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    return {0: 1.0, 1: 2.0}.values()

# %% solution="soft_vi"
class Right(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.ones(self.shape, bool)
    def any(self, *args, **kwargs):
        return False

def soft_vi(P, R, rho, alpha, gamma):
    P[:] = np.nan
    return R.view(Right), np.full(len(R), np.inf), rho.view(Right)
