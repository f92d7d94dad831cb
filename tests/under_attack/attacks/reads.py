# Reads what is not its own. Loot is any of the secrets planted around the box, or a way out of it.

# %% control-who-has-loot: 10 + 10
# shows that loot earns points
attempt(lambda: "loot")

# %% reads-the-environment: 0 + 10
@attempt
def environment():
    text = b"".join(map(content, glob.glob("/proc/[0-9]*/environ") + ["/proc/self/environ"]))
    return re.findall(rb"\w*SECRET\w*", text) + MARK.findall(text)

# %% reads-the-command-lines: 0 + 10
@attempt
def command_lines():
    return MARK.findall(b"".join(map(content, glob.glob("/proc/[0-9]*/cmdline"))))

# %% reads-its-own-memory: 0 + 10
# in a fork of something that knows a secret, the secret would still be here
@attempt
def memory():
    found = []
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as mem:
        for line in maps:
            start, end = (int(n, 16) for n in line.split()[0].split("-"))
            if " rw" in line and end - start < 2**27 and "[v" not in line:
                try:
                    mem.seek(start)
                    found += MARK.findall(mem.read(end - start))
                except OSError:
                    pass
    return found

# %% reads-the-memory-of-others: 0 + 10
@attempt
def memory_of_others():
    others = {*glob.glob("/proc/[0-9]*")} - {f"/proc/{os.getpid()}", "/proc/" + os.readlink("/proc/self")}
    others = [p for p in others if b"bwrap" not in content(f"{p}/cmdline")]  # the box itself
    return [p for p in others for part in ("mem", "maps") if content(f"{p}/{part}", 10)]

# %% reads-the-roots-of-others: 0 + 10
# the root, the working folder and the open files of every process in sight
@attempt
def roots():
    found = []
    for link in glob.glob("/proc/[0-9]*/root") + glob.glob("/proc/[0-9]*/cwd"):
        for place in ("", "/srv", "/home", "/root", "/mnt", "/.."):
            try:
                there = set(os.listdir(link + place))
            except OSError:
                continue
            found += there & {"solutions", "nbgrader_config.py", ".grading-secret", "gradebook.db"}
    return found

# %% reads-the-files-of-others: 0 + 10
@attempt
def files_of_others():
    return [f for f in glob.glob("/proc/[0-9]*/fd/*") if MARK.search(content(f, 10**5))
            and os.readlink(f).startswith("/")]

# %% reads-the-disk: 0 + 10
# the secret, the reference, the gradebook, the others
@attempt
def disk():
    wanted = {".grading-secret", "checks.py", "gradebook.db", "nbgrader_config.py", "locked.ipynb"}
    found = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [f for f in folders if f not in ("proc", "sys")]
        found += [os.path.join(folder, f) for f in files
                  if f in wanted and MARK.search(content(os.path.join(folder, f)))]
    return found

# %% reads-the-hosts-secrets: 0 + 10
@attempt
def hosts_secrets():
    places = ["/etc/shadow", "/etc/passwd", "/root", "/home/*", "/var/run/docker.sock", "/run/*",
              "/var/lib", "/etc/ssh", "/srv", "/mnt/*", "/sys/class", "/dev/sd*",
              "/dev/vd*", "/dev/mem", "/dev/kmsg", "/dev/fuse", "/dev/kvm"]
    empty = lambda path: os.path.isdir(path) and not os.listdir(path)
    prefix = {"/" + sys.prefix.split("/")[1], "/" + sys.base_prefix.split("/")[1]}
    return [p for place in places for p in glob.glob(place) if not empty(p) and p not in prefix]

# %% imports-the-reference: 0 + 10
@attempt
def reference():
    from cs_infer.log_space import logsumexp
    return logsumexp

# %% imports-the-reference-from-its-cache: 0 + 10
@attempt
def cache():
    import importlib.util
    for folder in sys.path:
        for path in glob.glob(f"{folder}/cs_infer/__pycache__/log_space*") + \
                glob.glob(f"{folder}/cs_infer/log_space.py"):
            if b"logsumexp" in content(path):
                return path

# %% looks-for-the-reference-under-other-names: 0 + 10
# what is not withheld may have imported it before
@attempt
def other_names():
    import cs_infer
    for name in ("mdp", "arrays", "figures", "checks", "backups", "planning", "variational"):
        try:
            module = __import__(f"cs_infer.{name}", fromlist=["x"])
        except ImportError:
            continue
        if hasattr(module, "logsumexp"):
            return module.logsumexp

# %% imports-the-judge: 0 + 10
@attempt
def judge():
    from cs_infer.judge import verdict
    return verdict

# %% looks-through-memory-for-the-problem: 0 + 10
@attempt
def objects():
    for thing in gc.get_objects():
        if type(thing).__name__ in ("Problem", "Assignment", "Property", "Course", "Grader"):
            return thing
        if isinstance(thing, dict) and any("canary-" in v[:9] for v in list(thing.values())
                                           if type(v) is str):
            return thing

# %% looks-through-the-frames: 0 + 10
def softmax(x):
    frame = sys._getframe()
    while frame is not None:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if hasattr(value, "reference"):
                return value.reference(x)
        frame = frame.f_back
    raise LookupError("not in the frames")

# %% looks-through-the-inherited-descriptors: 0 + 10
@attempt
def descriptors():
    found = {f: os.readlink(f"/proc/self/fd/{f}") for f in os.listdir("/proc/self/fd")
             if os.path.exists(f"/proc/self/fd/{f}")}
    mine = ("pipe:", "/dev/null", "/scratch/", "/proc/self", f"/proc/{os.getpid()}", "/dev/urandom")
    return {f: link for f, link in found.items() if not link.startswith(mine)}

# %% counts-the-pipes: 0 + 10
# one to be asked through, one to answer through; a third is somebody else's
@attempt
def third_pipe():
    return sorted(set(pipes(os.O_RDONLY) + pipes(os.O_WRONLY)))[2:]

# %% guesses-the-seed: 0 + 10
def softmax(x):
    for secret in ("", "secret", "None", "a secret for tests", "canary", "locked", "0", "1"):
        for student in ("guesses-the-seed", "yourself"):
            for key in ((secret, "locked", student), ("practice", 1), ("seed", 0)):
                parts = "\x1f".join(map(str, (*key, "softmax", "values")))
                digest = hashlib.sha256(parts.encode()).digest()
                rng = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
                if np.array_equal(2.0 * rng.normal(size=rng.integers(2, 7)), x):
                    stolen.append("the seed")
    return _softmax(x) if stolen else np.zeros(len(x))
def _softmax(x):
    return np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()

# %% waits-for-an-input-to-come-again: 0 + 10
seen = set()
def softmax(x):
    if x.tobytes() in seen:
        return np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()
    seen.add(x.tobytes())
    return np.zeros(len(x))

# %% reads-the-next-question-early: 0 + 10
# answers only if the next input has come before this answer was sent
def softmax(x):
    if not select.select(pipes(os.O_RDONLY), [], [], 0.1)[0]:
        return np.zeros(len(x))
    return np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()

# %% calls-home: 0 + 10
@attempt
def network():
    for address in (("127.0.0.1", 22), ("10.0.0.1", 53), ("169.254.169.254", 80), ("8.8.8.8", 53)):
        try:
            return socket.create_connection(address, timeout=0.2)
        except OSError as error:
            print(address, error)

# %% asks-the-name-server: 0 + 10
@attempt
def names():
    return socket.getaddrinfo("example.org", 80)

# %% talks-to-the-kernel-over-sockets: 0 + 10
# raw, packet and machine sockets, and the devices of the network: more than loopback is loot
@attempt
def sockets():
    found = [name for _, name in socket.if_nameindex() if name != "lo"]
    for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW),
                         (getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM), (38, 5)):
        try:
            found.append(socket.socket(family, kind).family)
        except OSError as error:
            print(error)
    return found

# %% reads-the-kernel: 0 + 10
@attempt
def kernel():
    found = [p for p in ("/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/port") if content(p, 10)]
    log = ctypes.create_string_buffer(100)
    return found + ([log.raw] if libc.klogctl(3, log, 100) > 0 else [])

# %% writes-to-the-kernel: 0 + 10
# /proc/sys/kernel/core_pattern would start a program outside the box, as root
@attempt
def settings():
    found = []
    for folder, folders, files in os.walk("/proc"):
        if folder == "/proc":
            folders[:] = [f for f in folders if not f.isdigit() and "self" not in f]
        for path in (os.path.join(folder, f) for f in files):
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                found.append(path)
            except OSError:
                pass
    return found

# %% writes-to-the-library: 0 + 10
@attempt
def library():
    found = []
    places = [*sys.path, "/usr/bin", "/usr/local", "/edition", "/edition/cs_infer", "/box", "/etc",
              os.path.dirname(np.__file__), sys.prefix, "/"]
    for place in places:
        try:
            open(os.path.join(place, "left-behind"), "w").close()
            found.append(place)
        except OSError:
            pass
    return [p for p in found if not p.startswith(("/scratch", "/tmp", "/dev/shm"))
            and os.path.abspath(p or ".") != "/scratch"]

# %% traces-another-process: 0 + 10
@attempt
def trace():
    others = [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]
    return [p for p in {*others, 1, os.getppid()} if p and libc.ptrace(16, p, 0, 0) == 0]

# %% becomes-root: 0 + 10
@attempt
def root():
    for call in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chroot("/scratch"),
                 lambda: os.nice(-5), lambda: os.setgroups([0])):
        try:
            call()
            return call
        except OSError:
            pass
    return [line for line in open("/proc/self/status")
            if line.startswith(("CapEff", "CapPrm", "CapBnd")) and int(line.split()[1], 16)]

# %% runs-programs-that-become-root: 0 + 10
@attempt
def programs():
    found = []
    for command in (["sudo", "-n", "id"], ["su", "-c", "id"], ["mount", "-t", "tmpfs", "x", "/mnt"],
                    ["newgrp"], ["pkexec", "id"]):
        try:
            done = subprocess.run(command, capture_output=True, timeout=0.3)
            found += [command] * (done.returncode == 0)
        except (OSError, subprocess.TimeoutExpired):
            pass
    return found

# %% enters-a-namespace-of-its-own: 0 + 10
# it would be root in there, and could mount folders without a size
@attempt
def namespace():
    code = "import ctypes; exit(ctypes.CDLL(None).unshare(0x10020000) == 0)"
    flags = 0x10000000 | 17
    new = libc.syscall(56 if os.uname().machine == "x86_64" else 220, flags, 0, 0, 0, 0)
    if new == 0:
        os._exit(0)
    return [new] * (new > 0) + [1] * subprocess.run([sys.executable, "-I", "-c", code]).returncode

# %% mounts: 0 + 10
@attempt
def mounts():
    return [what for what in (b"tmpfs", b"proc", b"sysfs", b"bpf", b"cgroup")
            if libc.mount(what, b"/scratch", what, 0, None) == 0] + [
            place for place in (b"/proc", b"/proc/sys", b"/", b"/usr", b"/tmp")
            if libc.mount(None, place, None, 32 | 4096, None) == 0 or libc.umount2(place, 2) == 0]

# %% asks-for-odd-system-calls: 0 + 10
# keys, other processes' memory, page faults, kernel programs, counters, rings of requests
@attempt
def odd_calls():
    if os.uname().machine != "x86_64":
        return None
    calls = {"add_key": (248, b"user", b"k", b"v", 1, -3), "keyctl": (250, 0, -3, 1),
             "userfaultfd": (323, 1), "bpf": (321, 0, bytes(72), 72), "io_uring": (425, 8, bytes(120)),
             "perf": (298, bytes(128), 0, -1, -1, 0), "memfd_create": (319, b"m", 0),
             "shmget": (29, 0, 4096, 0o1600), "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
             "setns": (308, os.open("/proc/self/ns/user", os.O_RDONLY), 0), "pivot_root": (155, b"/", b"/")}
    return [name for name, arguments in calls.items() if libc.syscall(*arguments) >= 0]
