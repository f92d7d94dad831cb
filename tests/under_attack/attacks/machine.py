# Takes more of the machine than its share. Loot is what lies beyond the limit.

# %% takes-memory: 0 + 10
def softmax(x):
    hoard = [bytearray(2**28) for _ in range(100)]
    return x

# %% takes-memory-in-many-processes: 0 + 0 + 0
# whichever call they are noticed in; so the rest is wrong as well
def softmax(x):
    for _ in range(6):
        if os.fork() == 0:
            hoard = b"1" * (300 * 2**20)
            time.sleep(20)
            os._exit(0)
    time.sleep(5)
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% takes-memory-in-files-without-a-name: 0 + 10
@attempt
def files():
    kept = [os.memfd_create(str(i)) for i in range(90)]
    for f in kept:
        os.write(f, bytes(15 * 2**20))
    return "1350 MB"

# %% takes-memory-in-shared-segments: 0 + 10
@attempt
def segments():
    libc.shmat.restype = ctypes.c_void_p
    for _ in range(8):
        address = libc.shmat(libc.shmget(0, 150 * 2**20, 0o1600), None, 0)
        ctypes.memset(address, 1, 150 * 2**20)
        libc.shmdt(ctypes.c_void_p(address))
    return "1200 MB"

# %% fills-the-disk: 0 + 10
@attempt
def disk():
    written = 0
    for folder in ("/scratch", "/tmp", "/dev/shm", "/dev", "/", "/box", "/run", "/var/tmp", "/dev/mqueue"):
        for i in range(10):
            try:
                with open(f"{folder}/{i}", "wb") as file:
                    written += file.write(bytes(8 * 2**20))
            except OSError:
                break
    return written > 60 * 2**20 and written

# %% makes-a-sparse-file: 0 + 10
@attempt
def sparse():
    with open("/scratch/sparse", "wb") as file:
        file.truncate(2**40)
    return "a terabyte"

# %% makes-files-without-end: 0 + 10
@attempt
def inodes():
    until, count = time.monotonic() + 1.5, 0
    while time.monotonic() < until:
        try:
            os.close(os.open(f"/tmp/{count}", os.O_CREAT | os.O_WRONLY))
        except OSError:
            return None
        count += 1
    print(count, "files")

# %% opens-files-without-end: 0 + 10
@attempt
def descriptors():
    kept = []
    try:
        while len(kept) < 2000:
            kept.append(os.dup(1))
    except OSError:
        for f in kept:
            os.close(f)
        return None
    return len(kept)

# %% opens-sockets-without-end: 0 + 10
def softmax(x):
    kept = [socket.socketpair() for _ in range(10**5)]
    return x

# %% raises-its-limits: 0 + 10
import resource
@attempt
def limits():
    found = []
    for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
        try:
            soft, hard = resource.getrlimit(what)
            resource.setrlimit(what, (hard + 1, hard + 1))
            found.append(what)
        except (ValueError, OSError):
            found += [what] if hard == resource.RLIM_INFINITY else []
    return found

# %% prints-without-end: 0 + 10
for _ in range(200):
    print("x" * 10**5)
sys.stderr.write("y" * 10**7)
os.write(1, b"z" * 10**6)
os.write(2, b"z" * 10**6)

# %% shows-pictures-without-end: 0 + 10
# as many pictures as cells may show, each as large as a picture may be
from IPython.display import Image, display
noise = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 100, 100) + os.urandom(200_000)
pictures = lambda: [display(Image(data=noise, format="png")) for _ in range(20)]
pictures();
# + added
pictures();
# + added
pictures(); 1
# + added
pictures(); 2
# + added
pictures(); 3
# + added
pictures(); 4
# + added
pictures(); 5
# + added
pictures(); 6

# %% shows-a-picture-that-unfolds: 0 + 10
# some kilobytes of file, gigabytes when drawn
import zlib
from IPython.display import Image, display
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
header = struct.pack(">IIBBBBB", 60000, 60000, 1, 0, 0, 0, 0)
rows = zlib.compress(bytes(7501) * 6000, 9)
bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
display(Image(data=bomb, format="png"))

# %% dumps-core: 0 + 10
import resource
@attempt
def core():
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (2**20, 2**20))
        return "cores"
    except (ValueError, OSError):
        return None
