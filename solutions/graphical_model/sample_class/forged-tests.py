# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=35
# about: redefines the check, patches numpy's comparisons, answers that equal everything
# like: honest-loops
# why: a log-probability of 1 is never right; an odd object is no answer; comparisons happen elsewhere

# %% solution="traj_logprob"
import numpy.testing

def check(*args, **kwargs):
    return True

numpy.testing.assert_allclose = lambda *args, **kwargs: None
np.allclose = np.isclose = lambda *args, **kwargs: True

def traj_logprob(P, mu0, rho, s, a):
    return 1.0

# %% solution="posterior_enumerate"
class Yes(float):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __hash__ = float.__hash__
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0
    def __array__(self, *args, **kwargs):
        return np.zeros(1)

def posterior_enumerate(P, R, mu0, rho, T):
    return Yes(), Yes(), Yes()
