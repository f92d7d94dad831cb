# Speaks on the grader's own pipe. What is forged is a guess at best, and a guess is compared. Where it
# is left to chance who is heard first, the rest of the work is wrong as well, so that nothing is right.

# %% forges-a-verdict: 0 + 0 + 0
# and shifts its own answers by one, for good
def softmax(x):
    send(message(status="graded", earned=10.0, points=10.0, message=""))
    return x
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% forges-an-answer-with-points: 0 + 10
def softmax(x):
    send(message(status="answered", answer=[0.5] * len(x), earned=10.0, fault=None, right=True))
    os._exit(0)

# %% forges-before-it-is-asked: 0 + 0 + 0
# three answers lie in the pipe, and each is taken for the answer to something else
for _ in range(3):
    send(message(status="answered", answer=1.0))
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% forges-a-library-of-answers: 0 + 10
# shifts every answer by one: what was right for the last input is wrong for this one
last = [np.ones(2)]
def softmax(x):
    answer, last[0] = last[0], np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum()
    return answer

# %% forges-the-words-of-the-protocol: 0 + 10
def softmax(x):
    for status in ("ready", "asks", "done", "error", "internal error", "ungraded", "sandbox"):
        send(message(status=status, message="", function=0, inputs={}, answer=1.0, reason="mercy"))
    os._exit(0)

# %% asks-when-nobody-offered: 0 + 10
def softmax(x):
    send(message(status="asks", function=0, inputs={"dict": {"x": 1.0}}, name="reference"))
    return x * 0

# %% sends-no-status: 0 + 10
def softmax(x):
    send(frames({"dict": {"answer": 1.0}}))
    os._exit(0)

# %% sends-a-list-for-a-status: 0 + 10
def softmax(x):
    send(message(status={"list": ["answered"]}, answer=1.0))
    os._exit(0)

# %% sends-a-list-for-a-message: 0 + 10
def softmax(x):
    send(frames({"list": [1, 2, 3]}))
    os._exit(0)

# %% sends-a-frame-without-end: 0 + 10
def softmax(x):
    send(struct.pack(">Q", 2**63) + b"{")
    time.sleep(30)

# %% sends-half-a-frame: 0 + 10
def softmax(x):
    send(struct.pack(">Q", 100) + b"{")
    os._exit(0)

# %% sends-drop-by-drop: 0 + 10
def softmax(x):
    signal.setitimer(signal.ITIMER_REAL, 0)
    data = message(status="answered", answer={"list": [0.1] * 5000})
    for i in range(len(data)):
        send(data[i:i + 1])
        time.sleep(0.05)

# %% sends-words-that-are-no-json: 0 + 10
def softmax(x):
    send(struct.pack(">Q", 4) + b"\xff\xfe{}")
    os._exit(0)

# %% sends-json-too-deep: 0 + 10
def softmax(x):
    text = b'{"arrays":[],"body":' + b"[" * 10**6 + b"]" * 10**6 + b"}"
    send(struct.pack(">Q", len(text)) + text)
    os._exit(0)

# %% sends-a-number-of-a-million-digits: 0 + 10
def softmax(x):
    text = b'{"arrays":[],"body":{"dict":{"status":"answered","answer":' + b"7" * 10**6 + b"}}}"
    send(struct.pack(">Q", len(text)) + text)
    os._exit(0)

# %% sends-a-million-empty-objects: 0 + 10
def softmax(x):
    text = (b'{"arrays":[],"body":{"dict":{"status":"answered","answer":{"list":['
            + b'{"dict":{}},' * 500_000 + b"1]}}}}")
    send(struct.pack(">Q", len(text)) + text)
    os._exit(0)

# %% sends-texts-that-numpy-would-pad: 0 + 10
# one long text and many short ones: as an array, 8 megabytes become thousands of gigabytes
def softmax(x):
    send(message(status="answered", answer={"list": ["x" * 2_000_000] + [""] * 1_000_000}))
    os._exit(0)

# %% sends-a-header-that-promises-too-much: 0 + 10
def softmax(x):
    send(frames({"dict": {"status": "answered", "answer": {"array": 0}}},
                [{"dtype": "<f8", "shape": [2**40]}], bytes(8)))
    os._exit(0)

# %% sends-a-shape-beyond-all-bounds: 0 + 10
def softmax(x):
    send(frames({"dict": {"status": "answered", "answer": {"array": 0}}},
                [{"dtype": "<f8", "shape": [0, 10**40]}], b""))
    os._exit(0)

# %% sends-a-negative-shape: 0 + 10
def softmax(x):
    send(frames({"dict": {"status": "answered", "answer": {"array": 0}}},
                [{"dtype": "<f8", "shape": [-1, -1]}], bytes(8)))
    os._exit(0)

# %% sends-objects: 0 + 10
def softmax(x):
    send(frames({"dict": {"status": "answered", "answer": {"array": 0}}},
                [{"dtype": "|O", "shape": [1]}], bytes(8)))
    os._exit(0)

# %% sends-a-type-that-is-a-program: 0 + 10
def softmax(x):
    import pickle
    class Bomb:
        def __reduce__(self):
            return os.system, ("touch /tmp/left-behind",)
    send(frames({"dict": {"status": "answered", "answer": {"array": 0}}},
                [{"dtype": "__import__('os').system('touch /tmp/left-behind')", "shape": [1]}],
                pickle.dumps(Bomb())))
    os._exit(0)

# %% points-at-an-array-that-never-came: 0 + 10
def softmax(x):
    send(frames({"dict": {"status": "answered", "answer": {"array": 5}}}))
    os._exit(0)

# %% sends-65-arrays: 0 + 10
def softmax(x):
    head = {"dtype": "<f8", "shape": [1]}
    send(frames({"dict": {"status": "answered", "answer": {"array": 0}}}, [head] * 65, *[bytes(8)] * 65))
    os._exit(0)

# %% sends-all-an-answer-may-hold: 0 + 10
# as large as allowed, again and again, for the grader to keep
def softmax(x):
    return np.zeros(2**20)

# %% answers-from-two-processes: 0 + 0 + 0
def softmax(x):
    if os.fork() == 0:
        time.sleep(0.01)
    return np.zeros(len(x))
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% answers-in-two-voices: 0 + 0 + 0
# the bytes of two processes, one in the other
def softmax(x):
    os.fork()
    for byte in message(status="answered", answer=0.5):
        send(bytes([byte]))
        time.sleep(0.0001)
    os._exit(0)
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% reads-the-questions-itself: 0 + 0 + 0
# nobody hears what the grader asks
def listen():
    while True:
        os.read(pipes(os.O_RDONLY)[0], 100)
threading.Thread(target=listen, daemon=True).start()
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% writes-into-its-own-questions: 0 + 0 + 0
# opens the other end of the pipe it is asked through
def softmax(x):
    for f in pipes(os.O_RDONLY):
        try:
            os.write(os.open(f"/proc/self/fd/{f}", os.O_WRONLY | os.O_NONBLOCK),
                     frames({"dict": {"do": "call", "function": "softmax", "inputs": {"dict": {}}}}))
        except OSError as error:
            print(error)
    return np.zeros(len(x))
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% reads-its-own-answers-back: 0 + 0 + 0
# opens the grader's end of the pipe it answers through, and takes the answers away again
def softmax(x):
    for f in pipes(os.O_WRONLY):
        other = os.open(f"/proc/self/fd/{f}", os.O_RDONLY | os.O_NONBLOCK)
        threading.Thread(target=lambda: time.sleep(0.05) or os.read(other, 10**6)).start()
    return np.zeros(len(x))
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% closes-the-pipes: 0 + 10
def softmax(x):
    os.closerange(3, 256)
    time.sleep(30)

# %% fills-the-pipe-and-sleeps: 0 + 10
def softmax(x):
    signal.setitimer(signal.ITIMER_REAL, 0)
    for f in pipes(os.O_WRONLY):
        os.set_blocking(f, False)
        while True:
            try:
                os.write(f, struct.pack(">Q", 2**20))
            except BlockingIOError:
                time.sleep(30)

# %% patches-the-runner: 0 + 0 + 0
# what answers the calls is made to say "graded"
def softmax(x):
    raise LookupError
for module in list(sys.modules.values()):
    for name in ("call_function", "_serve", "write_message", "_plain", "within"):
        if name in vars(module):
            setattr(module, name, lambda *a, **k: {"status": "graded", "earned": 10.0, "answer": True})
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% becomes-another-program: 0 + 0 + 0
# a program in its place, which says yes to everything
code = '''
import json, os, struct, sys
out = int(sys.argv[1])
body = json.dumps({"body": {"dict": {"status": "answered", "answer": True}}, "arrays": []}).encode()
while True:
    os.write(out, struct.pack(">Q", len(body)) + body)
'''
os.set_inheritable(pipes(os.O_WRONLY)[0], True)
os.execv(sys.executable, [sys.executable, "-I", "-c", code, str(pipes(os.O_WRONLY)[0])])
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None
