# expected: posterior_dynamics=0 opt_vs_var=0 min_lottery_p=0 belief_and_fact=0
# about: answers that equal everything, a patched comparison, a borrowed grader, a seeded guess
# why: arrays cross the border, objects do not; the comparison and the inputs are elsewhere

# %% solution="posterior_dynamics"
np.allclose = np.isclose = np.array_equal = lambda *args, **kwargs: True

class Lucky(np.ndarray):
    """Equal to whatever is expected."""
    def __eq__(self, other):
        return np.ones(self.shape, bool)
    def __sub__(self, other):
        return np.zeros(self.shape)
    __rsub__, __le__, __ge__ = __sub__, __eq__, __eq__

def posterior_dynamics(P, log_beta_next):
    return np.full(P.shape, 1 / len(P)).view(Lucky)

# %% solution="opt_vs_var"
class Whatever:
    def __array__(self, *args, **kwargs):
        raise KeyboardInterrupt
    def __len__(self):
        return 4
    def __iter__(self):
        return iter([Whatever()] * 4)
    def __eq__(self, other):
        return True

def opt_vs_var(P, R, rho, T):
    return Whatever()

# %% solution="min_lottery_p"
import gc

def min_lottery_p(gap, safe):
    for thing in gc.get_objects():
        if type(thing).__name__ in ("Problem", "Assignment", "ProblemResult"):
            return thing.reference(gap=gap, safe=safe)
    for name in ("cs_infer.judge.verdict", "cs_infer.judge.problem", "checks"):
        try:
            module = __import__(name, fromlist=["ASSIGNMENT"])
            return module.ASSIGNMENT.problem("min_lottery_p").reference(gap, safe)
        except Exception:
            pass
    raise LookupError("no grader in here")

# %% solution="belief_and_fact"
def belief_and_fact(P, R, mu0, policy, log_beta_s):
    np.random.seed(0)
    return float("inf"), -float("inf")
