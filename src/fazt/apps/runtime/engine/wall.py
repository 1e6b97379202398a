"""The second wall around a function's process: limits, Landlock and seccomp, then the process itself.

Run as a program of its own (`python -I -S wall.py ORDER`, where ORDER is marshalled, in hex), so that nothing has to
happen between fork and exec in a program with threads. What it sets outlives exec and cannot be taken back.

It stands behind Deno's permissions: a process that has escaped those still reads no file but its own
code, starts no program, signals nobody, opens no socket but IPv4 and Unix ones, and listens nowhere.
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import resource
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing, json and signal take as long to load as all the rest
    from typing import Any

SIGKILL = 9

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
MAKE_SOCK = 1 << 9
ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""What Landlock can hold back, by its version; later ones have no more that we name."""
BIND_TCP = 1
SCOPES = 3  # abstract Unix sockets and signals

AF_UNIX, AF_INET = 1, 2
CLONE_THREAD = 0x10000
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

# By machine: its audit number, then the system calls socket, clone, and those that are refused.
# In their order: fork vfork kill tkill ptrace process_vm_readv process_vm_writev bpf perf_event_open userfaultfd
# add_key request_key keyctl mount umount2 pivot_root chroot unshare setns open_by_handle_at init_module
# finit_module kexec_load execveat; then those that have one number everywhere: pidfd_send_signal,
# io_uring (which opens sockets past any filter), open_tree move_mount fsopen, pidfd_open, pidfd_getfd.
EVERYWHERE = (424, 425, 426, 427, 428, 429, 430, 434, 438)
X86 = (57, 58, 62, 200, 101, 310, 311, 321, 298, 323, 248, 249, 250, 165, 166, 155, 161, 272, 308, 304, 175, 313, 246)
ARM = (129, 130, 117, 270, 271, 280, 241, 282, 217, 218, 219, 40, 39, 41, 51, 97, 268, 265, 105, 273, 104)
MACHINES = {
    "x86_64": (0xC000003E, 41, 56, (*X86, 322)),
    "aarch64": (0xC00000B7, 198, 220, (*ARM, 281)),
}
CLONE3 = 435


def main(told: str) -> None:
    """Become what the order says, inside the wall."""
    order: dict[str, Any] = marshal.loads(bytes.fromhex(told))  # noqa: S302 - the program's own words
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
    if os.getppid() != order["parent"]:
        sys.exit("the program is gone")
    for name, value in order["limits"].items():
        limit(getattr(resource, f"RLIMIT_{name}"), value)
    os.nice(order["nice"])
    offer_to_die()
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if order["landlock"]:
        restrict_files(libc, order["read"], order["execute"], order["sockets"])
    restrict_calls(libc)
    os.chdir(order["folder"])
    os.execve(order["command"][0], order["command"], order["environment"])  # noqa: S606 - it becomes Deno


def check(answer: int) -> int:
    """What a call answered. Raises OSError where it failed."""
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def limit(kind: int, value: int) -> None:
    """Set a resource limit, as far as the one that is there allows."""
    most = resource.getrlimit(kind)[1]
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (value, value))


def offer_to_die() -> None:
    """Where memory runs out, a function goes before anything else does."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib takes 10 ms
        file.write("1000")


def find_landlock(libc: ctypes.CDLL) -> int:
    """The version of Landlock that the kernel has, 0 for none."""
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def restrict_files(libc: ctypes.CDLL, read: list[str], execute: list[str], sockets: str) -> None:
    """From now on only what is listed can be read or run, and sockets are made only in one folder."""
    version = find_landlock(libc)
    if not version:
        return
    handled = ALL_FILES.get(version, ALL_FILES[5])
    size = 8 + 8 * (version >= 4) + 8 * (version >= 6)
    ruleset = struct.pack("QQQ", handled, BIND_TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)[:size]
    fd = check(libc.syscall(CREATE_RULESET, ruleset, ctypes.c_size_t(size), 0))
    for path in read:
        allow(libc, fd, path, READ_FILE | READ_DIR)
    for path in execute:
        allow(libc, fd, path, READ_FILE | EXECUTE)
    allow(libc, fd, sockets, MAKE_SOCK)
    allow(libc, fd, "/dev/null", READ_FILE | WRITE_FILE)
    check(libc.syscall(RESTRICT_SELF, fd, 0))
    os.close(fd)


def allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    """One rule; what is not there needs none."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):  # noqa: PTH112 - see above
        access &= ~(READ_DIR | MAKE_SOCK)
    check(libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", access, fd), 0))
    os.close(fd)


def restrict_calls(libc: ctypes.CDLL) -> None:
    """Refuse the system calls that a function has no use for. Raises OSError on machines that are not known."""
    if os.uname().machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"fazt knows no wall for {os.uname().machine}")
    code = b"".join(struct.pack("HBBI", *line) for line in build_filter(*MACHINES[os.uname().machine]))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0))


def build_filter(arch: int, socket: int, clone: int, refused: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """The filter as lines of classic BPF. IPv6 stays shut: Deno's rules know its blocks only one by one."""
    lines = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, arch), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    lines += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, ERRNO | errno.EPERM)]  # the other ABI of x86
    for number in (*refused, *EVERYWHERE):
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    lines += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]  # its flags cannot be seen; clone's can
    lines += [(EQUAL, 0, 4, clone), (LOAD, 0, 0, 16), (ANY_BIT, 1, 0, CLONE_THREAD)]
    lines += [(RETURN, 0, 0, ERRNO | errno.EPERM), (RETURN, 0, 0, ALLOW)]
    lines += [(EQUAL, 0, 4, socket), (LOAD, 0, 0, 16), (EQUAL, 2, 0, AF_INET), (EQUAL, 1, 0, AF_UNIX)]
    return [*lines, (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT), (RETURN, 0, 0, ALLOW)]


if __name__ == "__main__":
    main(sys.argv[1])
