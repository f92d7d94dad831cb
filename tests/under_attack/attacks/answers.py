# Answers that are not what they say, and functions that change what they are asked.

# %% equals-everything: 0 + 10
class Yes(float):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __hash__ = float.__hash__
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0
def softmax(x):
    return [Yes() for _ in x]

# %% is-an-array-that-lies: 0 + 10
class Liar(np.ndarray):
    __array_priority__ = 1e9
    __eq__ = __le__ = lambda self, other: np.ones(self.shape, bool)
    def __array_ufunc__(self, *args, **kwargs):
        return np.zeros(self.shape)
def softmax(x):
    return np.zeros(len(x)).view(Liar)

# %% is-masked-where-it-is-wrong: 0 + 10
def softmax(x):
    return np.ma.masked_all(len(x))

# %% changes-its-mind-when-read: 0 + 10
class Moody:
    def __array__(self, *args, **kwargs):
        return np.zeros(3)
    def __len__(self):
        return 3
    def __iter__(self):
        return iter([1 / 3] * 3)
    shape = (3,)
def softmax(x):
    return Moody()

# %% carries-a-program-in-its-pickle: 0 + 10
class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/left-behind",)
    __getstate__ = __reduce_ex__ = lambda self, *a: self.__reduce__()
def softmax(x):
    return np.array([Bomb()] * len(x), dtype=object)

# %% answers-nan: 0 + 10
def softmax(x):
    return np.full(len(x), np.nan)

# %% answers-infinity: 0 + 0
def softmax(x):
    return np.full(len(x), np.inf)
# + log_total
def log_total(x):
    return math.inf

# %% answers-nan-for-a-number: 0 + 0
import math
def softmax(x):
    return [math.nan] * len(x)
# + log_total
def log_total(x):
    return math.nan

# %% answers-texts: 0 + 10
def softmax(x):
    return [repr(v) for v in np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()]

# %% answers-complex-numbers: 0 + 10
def softmax(x):
    return np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum() + 0j

# %% answers-dates: 0 + 10
def softmax(x):
    return np.zeros(len(x), "datetime64[s]")

# %% answers-records: 0 + 10
def softmax(x):
    return np.zeros(len(x), [("a", "f8"), ("b", "O")])

# %% answers-a-function: 0 + 10
def softmax(x):
    return lambda *args, **kwargs: np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()

# %% answers-a-generator: 0 + 10
def softmax(x):
    return (0.5 for _ in iter(int, 1))

# %% answers-itself-in-a-list: 0 + 10
def softmax(x):
    answer = []
    answer += [answer] * len(x)
    return answer

# %% answers-a-list-too-deep: 0 + 10
def softmax(x):
    answer = 1.0
    for _ in range(10**5):
        answer = [answer]
    return answer

# %% answers-a-tree-of-lists: 0 + 10
# eight wide and seven deep: two million numbers
def softmax(x):
    answer = 0.5
    for _ in range(7):
        answer = [answer] * 8
    return answer

# %% answers-a-view-of-one-number: 0 + 10
# eight bytes that say they are eight terabytes
def softmax(x):
    return np.broadcast_to(0.5, (10**12,))

# %% answers-with-a-huge-whole-number: 0 + 0
def softmax(x):
    return [10**5000] * len(x)
# + log_total
def log_total(x):
    return 10**5000

# %% answers-for-ever: 0 + 10
class Endless(list):
    def __iter__(self):
        while True:
            yield 1.0
def softmax(x):
    return Endless([1.0])

# %% answers-with-a-tensor-that-exits: 0 + 10
class Tensor:
    cpu = None
    def detach(self):
        os._exit(0)
def softmax(x):
    return Tensor()

# %% answers-with-all-keys: 0 + 10
def softmax(x):
    return {"array": 0, "status": "graded", "answer": 1.0, "__class__": "Verdict", "earned": 10.0}

# %% changes-the-question: 0 + 10
# makes the input so that its answer is right
def softmax(x):
    x[:] = 0.0
    return np.full(len(x), 1 / len(x))

# %% changes-the-question-in-its-base: 0 + 10
def softmax(x):
    base = x if x.base is None else x.base
    if isinstance(base, np.ndarray):
        base.fill(0.0)
    x.resize((1,), refcheck=False)
    return np.ones(1)

# %% patches-numpy: 0 + 0
# comparisons that always hold, for whoever shares this process
for name in ("allclose", "isclose", "array_equal", "any", "all", "isnan", "abs", "where"):
    setattr(np, name, lambda *args, **kwargs: True)
def softmax(x):
    return [0.5] * len(x)
# + log_total
def log_total(x):
    return 0.0

# %% patches-the-builtins: 0 + 0
import builtins
builtins.isinstance = lambda *args: True
builtins.len = lambda *args: 1
def softmax(x):
    return [1.0]
# + log_total
def log_total(x):
    return 0.0

# %% redefines-the-check: 0 + 0
def check(*args, **kwargs):
    return True
sys.modules["cs_infer.practice"].check = check
def softmax(x):
    return None
# + log_total
def log_total(x):
    return None

# %% is-right-for-half-of-it: 6 + 10
# right for ordinary numbers only: points property by property, and no more
def softmax(x):
    with np.errstate(all="ignore"):
        return np.exp(x) / np.exp(x).sum()

# %% is-right-when-asked-again: 0 + 10
# counts the calls: wrong at first, right once the grader should be convinced
calls = []
def softmax(x):
    calls.append(x)
    right = np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()
    return right if len(calls) % 3 else right * 0

# %% remembers-across-a-restart: 0 + 10
# leaves the answer on disk, dies, and finds it when it is started again
def softmax(x):
    if os.path.exists("/scratch/died") or os.path.exists("/tmp/died"):
        return np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()
    open("/scratch/died", "w").close()
    open("/tmp/died", "w").close()
    os._exit(0)

# %% changes-its-own-cell: 0 + 10
# the text that was handed in is what counts
get_ipython().user_ns["In"][-1] = "def softmax(x): return 1"
get_ipython().set_next_input("def softmax(x): return 1", replace=True)
for path in (sys.argv[0], "/box/runner.py", "/edition/cs_infer/practice.py"):
    try:
        open(path, "a").write("\n")
        stolen.append(path)
    except OSError as error:
        print(error)
