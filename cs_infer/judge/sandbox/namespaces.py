"""Inside the box: what the kernel is asked for and Python has no name for.

A process can be walled in once more (namespaces of its own, fresh folders in
memory, no privileges) and be refused the system calls that a notebook never
makes and an attacker would like to. Linux only; this file needs no package.
"""

import ctypes
import os
import platform
import struct

_NEW = {"ns": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000}
_NEW |= {"pid": 0x20000000, "net": 0x40000000}
_NEW_BY_CLONE = sum(_NEW.values()) | 0x2000080  # and those of control groups and of time
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
_SET_PARENT_DEATH_SIGNAL = 1
_DROP_FROM_BOUNDING_SET, _SET_NO_NEW_PRIVILEGES = 24, 38
_MOST_CAPABILITIES = 64
_CAPABILITY_VERSION = 0x20080522
_FOLDERS = ("/tmp", "/dev/shm", "/scratch")  # the last one serves while the others are made
_MOST_FILES = 10_000

# By machine: its name in a filter, then the numbers of clone, socket and seccomp.
_MACHINES = {"x86_64": (0xC000003E, 56, 41, 317), "aarch64": (0xC00000B7, 220, 198, 277)}
_REFUSED = {  # by name: the number on either machine
    **{"unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39)},
    **{"pivot_root": (155, 41), "chroot": (161, 51), "open_by_handle_at": (304, 265)},
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271)},
    **{"kcmp": (312, 272), "userfaultfd": (323, 282), "perf_event_open": (298, 241)},
    **{"bpf": (321, 280), "quotactl": (179, 60)},
    **{"kexec_load": (246, 104), "kexec_file_load": (320, 294)},
    # keys outlive a box; the rest is memory that no limit sees
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219)},
    **{"memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186)},
    **{"semget": (64, 190), "mq_open": (240, 180)},
}
# io_uring, the new mounts, pidfd_getfd, mount_setattr, memfd_secret: numbered alike everywhere
_REFUSED_EVERYWHERE = (*range(425, 434), 438, 442, 447)
_CLONE3 = 435
_FAMILIES = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink; not those that leave a namespace
_LOAD, _EQUALS, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _NOT_THERE, _KILL = 0x7FFF0000, 0x50001, 0x50026, 0x80000000

_libc = ctypes.CDLL(None, use_errno=True)


def enter_new_namespaces():
    """Leave every namespace for a fresh one; processes forked from now on are inside.

    Raises:
        OSError: the system does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    _must(_libc.unshare(sum(_NEW.values())), "unshare")
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(content)


def mount_fresh_folders(size):
    """Give the process empty folders in memory, each of at most that many bytes.

    What the box shows inside such a folder (a Python that lies in /tmp) stays there.
    """
    _must(_libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None), "mount /")
    with open("/proc/self/mountinfo", "rb") as file:
        shown = [_unescaped(line.split()[4]) for line in file]
    for folder in _FOLDERS:
        kept = [
            place for place in shown if place.startswith(f"{folder}/") and place not in _FOLDERS
        ]
        _mount_fresh(folder, size, kept)


def _mount_fresh(folder, size, kept):
    """Mount an empty folder; what is to be kept is bound into it before it covers the old one."""
    stage = "/scratch/stage" if kept else folder
    os.makedirs(stage, exist_ok=True)
    options = f"size={size},nr_inodes={_MOST_FILES},mode=0755".encode()
    _must(_libc.mount(b"tmpfs", stage.encode(), b"tmpfs", _NO_SUID | _NO_DEVICES, options), folder)
    for place in (p for p in kept if not any(p.startswith(f"{other}/") for other in kept)):
        target = stage + place.removeprefix(folder)
        os.makedirs(target if os.path.isdir(place) else os.path.dirname(target), exist_ok=True)
        if not os.path.isdir(place):
            open(target, "x").close()
        _bind(place, target)
    if kept:
        _bind(stage, folder)


def _bind(source, target):
    flags = _BIND | _RECURSIVE
    _must(_libc.mount(source.encode(), target.encode(), None, flags, None), f"bind {source}")


def _unescaped(path):
    """A path as the kernel lists it: blanks and the like are written in octal."""
    return os.fsdecode(path.decode("unicode_escape").encode("latin-1"))


def mount_own_processes():
    """Let /proc show the processes of this namespace, whose first one this is.

    Refused where the box covers parts of /proc; the old one shows the guard and no more.
    """
    flags = _NO_SUID | _NO_DEVICES | _NO_PROGRAMS
    _libc.mount(b"proc", b"/proc", b"proc", flags, None)


def go_first():
    """When memory runs out, this process is to end, and not its guard or the grader."""
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def lock_proc():
    """Make /proc read-only: to the system outside, its files may belong to this very user."""
    flags = _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_PROGRAMS
    _must(_libc.mount(None, b"/proc", None, flags, None), "remount /proc")


def drop_privileges():
    """Give up every capability, for good, and die with the parent."""
    for capability in range(_MOST_CAPABILITIES):
        _libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _must(_libc.capset(header, bytes(24)), "capset")
    _must(_libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no_new_privs")
    _must(_libc.prctl(_SET_PARENT_DEATH_SIGNAL, 9, 0, 0, 0), "pdeathsig")


def refuse_system_calls():
    """From now on, the calls that only an attacker makes fail with "not permitted"."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    place = list(_MACHINES).index(platform.machine())
    refused = [numbers[place] for numbers in _REFUSED.values()]
    steps = _filter(*machine[:3], (*refused, *_REFUSED_EVERYWHERE))
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(buffer))
    _must(_libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no_new_privs")
    _must(_libc.syscall(machine[3], 1, 1, header), "seccomp")  # a filter, for every thread


def _filter(machine, clone, socket, refused):
    """A program for the kernel's packet filter: it reads the call's number and its arguments."""
    steps = [(_LOAD, 0, 0, 4), (_EQUALS, 1, 0, machine), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _REFUSE)]  # the x32 twins
    for number in refused:
        steps += [(_EQUALS, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    steps += [(_EQUALS, 0, 1, _CLONE3), (_RETURN, 0, 0, _NOT_THERE)]  # libc then takes clone
    steps += [(_EQUALS, 0, 4, clone), (_LOAD, 0, 0, 16)]
    steps += [(_HAS_BITS, 0, 1, _NEW_BY_CLONE), (_RETURN, 0, 0, _REFUSE)]
    steps += [(_RETURN, 0, 0, _ALLOW)]
    steps += [(_EQUALS, 0, 2 * len(_FAMILIES) + 2, socket), (_LOAD, 0, 0, 16)]
    for family in _FAMILIES:
        steps += [(_EQUALS, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    return [*steps, (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]


def _must(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
