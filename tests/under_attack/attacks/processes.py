# Processes that end, do not end, or outlive the box. Where these slow down the rest of the work, it is
# wrong as well, so that the points do not depend on the machine.

# %% ends-the-process: 0 + 10
def softmax(x):
    os._exit(0)

# %% exits-politely: 0 + 10
def softmax(x):
    sys.exit(0)

# %% crashes: 0 + 10
def softmax(x):
    ctypes.string_at(0)

# %% aborts: 0 + 10
def softmax(x):
    os.abort()

# %% recurses-in-c: 0 + 10
def softmax(x):
    sys.setrecursionlimit(10**9)
    f = lambda: f()
    f()

# %% kills-everybody: 0 + 10
def softmax(x):
    os.kill(-1, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)

# %% kills-its-parents: 0 + 10
def softmax(x):
    for process in {1, os.getppid(), os.getpgid(0)} - {0}:
        for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
            try:
                os.kill(process, number)
            except OSError as error:
                print(error)
    return x * 0

# %% stops-itself: 0 + 10
def softmax(x):
    os.kill(os.getpid(), signal.SIGSTOP)

# %% stops-the-box: 0 + 10
def softmax(x):
    os.kill(-1, signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(30)

# %% never-ends: 0 + 10
def softmax(x):
    while True:
        pass

# %% never-ends-and-hears-nothing: 0 + 10
def softmax(x):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        pass

# %% takes-its-time-with-the-alarm-off: 0 + 10
# right, but later than the hard limit, which comes two seconds after the alarm
def softmax(x):
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep(3.5)
    return np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()

# %% goes-on-after-its-time: 0 + 0 + 0
# answers at once and computes on in a thread; the answer comes when it is asked again
done = []
def work():
    while True:
        sum(range(1000))
for _ in range(20):
    threading.Thread(target=work, daemon=True).start()
def softmax(x):
    return np.zeros(len(x))
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% leaves-a-daemon: 0 + 10
# twice forked, in a session of its own, deaf; the test looks for its name afterwards
code = "import time, signal; signal.signal(15, 1); time.sleep(600) # left-behind"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-c", code])
    os._exit(0)

# %% leaves-a-daemon-that-spins: 0 + 0 + 0
code = "# left-behind\nwhile True: pass"
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", code])
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% hangs-on-the-way-out: 0 + 10
import atexit
atexit.register(time.sleep, 600)
def softmax(x):
    sys.exit(1)

# %% forks-without-end: 0 + 0 + 0
def softmax(x):
    for _ in range(400):
        try:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
        except OSError:
            break
    time.sleep(2)
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% starts-too-many-threads: 0 + 0 + 0
def softmax(x):
    threading.stack_size(65536)
    for _ in range(3000):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    return np.zeros(len(x))
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% says-that-its-cell-never-ended: 0 + 10
class Forever(Exception):
    def __str__(self):
        while True:
            pass
raise Forever
# + added
def softmax(x):
    return None

# %% raises-what-is-no-exception: 0 + 10
class Odd(BaseException):
    def __str__(self):
        return 1 / 0
def softmax(x):
    raise Odd

# %% raises-the-time-out-itself: 0 + 10
# to be asked again, or excused
def softmax(x):
    for module in list(sys.modules.values()):
        if hasattr(module, "OutOfTime"):
            raise module.OutOfTime

# %% interrupts: 0 + 10
def softmax(x):
    raise KeyboardInterrupt
