# expected: boltzmann=0 eps_fixed_point=0 virel_step=0
# about: arrays that say they are right, numbers that are all numbers, parts of the wrong kind
# why: only plain numbers cross the border, whatever their class says of itself

# %% solution="boltzmann"
class Right(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)
    __le__ = __lt__ = __ge__ = __gt__ = __eq__
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.ones(self.shape, bool)
    def any(self, *args, **kwargs):
        return False
    def sum(self, *args, **kwargs):
        return np.ones(self.shape[:1])

def boltzmann(Q, rho, epsilon):
    Q[:] = rho[:] = np.nan
    return np.full(Q.shape, -0.0).view(Right)

# %% solution="eps_fixed_point"
class Any(float):
    def __eq__(self, other):
        return True
    __le__ = __ge__ = __lt__ = __gt__ = __eq__
    __hash__ = float.__hash__
    def __sub__(self, other):
        return 0.0
    __rsub__ = __sub__

def eps_fixed_point(Q, P, R, rho, gamma, c, p):
    return Any(-0.5)

# %% solution="virel_step"
def virel_step(Q, P, R, rho, gamma, c, p):
    return Q.astype(complex), {0: 1.0}, np.datetime64("2024-01-01")
