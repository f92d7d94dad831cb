# Functions that cross the border: what the grader hands out, and what it is handed.

# %% returns-what-it-was-handed: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    return f

# %% asks-without-end: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    while True:
        f(0.0)

# %% asks-without-end-and-with-the-alarm-off: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    signal.setitimer(signal.ITIMER_REAL, 0)
    while True:
        f(0.0)

# %% asks-with-odd-arguments: 10 + 10 + 10
# each is refused, and the last, honest question is answered
stolen += ["its own work"]
# + inverse
def inverse(f):
    for args in ((), (1, 2), (None,), ("x",), ([1.0] * 50,), ({"x": 1},), (np.ones(10**6),), (math.nan,),
                 (10**400,), (print,), ("x" * 10**6,), (["x" * 10**6] + [""] * 1000,), ((((1,),),),)):
        try:
            print(f(*args))
        except ValueError as error:
            print(error)
    for name in ("self", "x", "_slope", "__class__", "args"):
        try:
            f(**{name: []})
        except ValueError as error:
            print(error)
    b = f(0.0)
    a = f(1.0) - b
    return lambda y: (y - b) / a

# %% looks-behind-the-function-it-was-handed: 10 + 10 + 0
# the function is here in name only: what it knows is with the grader
stolen += ["its own work"]
# + inverse
def inverse(f):
    seen, todo = set(), [f]
    while todo and len(seen) < 5000:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if hasattr(thing, "_slope") or hasattr(thing, "reference"):
            return lambda y: (y - thing._offset) / thing._slope
        cells = [c.cell_contents for c in getattr(thing, "__closure__", None) or ()]
        todo += cells + [getattr(thing, "__self__", None), *vars(thing).values()] if hasattr(thing, "__dict__") else cells
    raise LookupError("only a number")

# %% asks-for-functions-by-their-number: 10 + 10 + 0
# tries every number for a function that it was not handed
stolen += ["its own work"]
# + inverse
def inverse(f):
    for number in (-1, 10**3, 10**9, 2**64, True, "softmax", None, 0.0):
        send(message(status="asks", function=number, args={"tuple": [0.0]}, inputs={"dict": {}}))
    raise LookupError("none")

# %% asks-twice-at-once: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    for _ in range(3):
        send(message(status="asks", function=0, args={"tuple": [0.0]}, inputs={"dict": {}}))
    return lambda y: f(y)

# %% asks-in-many-threads: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    for _ in range(20):
        threading.Thread(target=f, args=(0.0,), daemon=True).start()
    return lambda y: y

# %% asks-when-its-call-is-over: 10 + 10 + 0
# from the cell that follows, from a thread, and in the next call
kept = []
stolen += ["its own work"]
# + inverse
def inverse(f):
    kept.append(f)
    threading.Timer(0.01, lambda: f(0.0)).start()
    time.sleep(0.05)
    return lambda y: kept[0](y)

# %% asks-while-its-cell-runs: 0 + 10 + 10
# nobody offered a function yet
send(message(status="asks", function=0, args={"tuple": [0.0]}, inputs={"dict": {}}))
stolen += ["its own work"]

# %% asks-itself: 10 + 10 + 0
# the grader is asked to ask, and so on
stolen += ["its own work"]
# + inverse
def inverse(f):
    def g(y):
        return f(g)
    return g

# %% hands-over-functions-within-functions: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    return lambda y: (lambda z: lambda w: inverse)

# %% hands-over-a-number-for-a-function: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    send(message(status="answered", answer={"function": 10**9}))
    time.sleep(30)

# %% hands-over-a-negative-number: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    send(message(status="answered", answer={"function": -1}))
    os._exit(0)

# %% hands-over-the-runners-own-functions: 10 + 10 + 0
# numbers of functions that were handed over in other calls
stolen += ["its own work"]
# + inverse
def inverse(f):
    return {"a": exit, "b": [os._exit, print], "c": f, "d": inverse}

# %% hands-over-a-function-that-exits: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    return os._exit

# %% hands-over-a-function-that-never-ends: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    def g(y):
        while True:
            pass
    return g

# %% hands-over-a-function-that-lies-about-its-kind: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
class Liar:
    __name__ = "reference"
    __call__ = property(lambda self: 1 / 0)
    def __getattr__(self, name):
        raise SystemExit
def inverse(f):
    return Liar()

# %% hands-over-a-function-with-odd-answers: 10 + 10 + 0
stolen += ["its own work"]
# + inverse
def inverse(f):
    answers = iter([math.nan, None, "x" * 10**6, np.zeros(10**6), {"dict": 1}, inverse, 10**400])
    return lambda y: next(answers)

# %% hands-over-a-function-that-dies-later: 10 + 10 + 0
# right twice, and then the box is gone
stolen += ["its own work"]
# + inverse
def inverse(f):
    b = f(0.0)
    a = f(1.0) - b
    calls = []
    def g(y):
        calls.append(y)
        return (y - b) / a if len(calls) < 3 else os._exit(0)
    return g

# %% forges-the-graders-answers: 10 + 10 + 0
# writes into the pipe it is asked through what it would like to hear
stolen += ["its own work"]
# + inverse
def inverse(f):
    for p in pipes(os.O_RDONLY):
        try:
            own = os.open(f"/proc/self/fd/{p}", os.O_WRONLY | os.O_NONBLOCK)
            os.write(own, frames({"dict": {"do": "give", "answer": 1.0}}) * 3)
        except OSError as error:
            print(error)
    return lambda y: f(0.0) + f(1.0)

# %% answers-for-a-function-out-of-turn: 10 + 10 + 0
# answers to questions that come later are sent before
stolen += ["its own work"]
# + inverse
def inverse(f):
    for _ in range(5):
        send(message(status="answered", answer=1.0))
    return lambda y: y
