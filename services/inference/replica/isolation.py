"""What a process with somebody's model in it may do: compute, and talk over what it was given.

As root each has a uid of its own. Landlock leaves it our installation, to be read, and its own
files; filters leave it no socket, no program to start, no process to fork or signal. What a machine
does not offer is left out, and said.
"""

import contextlib
import errno
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

import libs
import services
from libs.linux import capability, landlock, syscalls
from libs.linux.seccomp import Filter, allow, if_bit, number, refuse

_CLONE_THREAD = 0x10000
_SOCKET = number(41, 198)
_PROGRAMS = [number(59, 221), number(322, 281)]  # execve, execveat
_CLONE, _CLONE3, _FORK, _VFORK = number(56, 220), 435, 57, 58
_KILL, _PTRACE, _UNSHARE = number(62, 129), number(101, 117), number(272, 97)
_PIDFD_SEND_SIGNAL, _PIDFD_GETFD = 424, 438
# keyrings, io_uring, bpf, perf_event_open, userfaultfd, reading and writing others' memory
_OTHERS = [number(*each) for each in ((248, 217), (249, 218), (250, 219), (321, 280), (298, 241))]
_OTHERS += [number(*each) for each in ((323, 282), (310, 270), (311, 271))] + [425, 426, 427]
_REACH = [_SOCKET, _PTRACE, _UNSHARE, _PIDFD_GETFD, *_OTHERS]
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/null")
_DEVICES = ("/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu")
_OWN = ("maps", "stat", "statm", "status")
MAX_DESCRIPTORS = 512
_HEADROOM = 1.25  # of the memory, until allocations fail: the watch looks first


class Machine(msgspec.Struct, frozen=True):
    """What there is to keep processes apart with."""

    own_uids: bool
    landlock: bool
    filters: bool

    @classmethod
    def look(cls) -> Self:
        """Tries it, in processes that end at once."""
        return cls(_tried(_drop_far), landlock.version() > 0, _tried(_forbid_processes))

    def describe(self) -> list[str]:
        """A sentence for each protection."""
        return [
            "Each replica has a uid of its own"
            if self.own_uids
            else "Replicas share our uid: we are not root, or others can't read our installation",
            "Replicas can open only their models and our installation"
            if self.landlock
            else "Replicas can open what their uid may: this kernel has no Landlock",
            "Replicas have no network and start no program"
            if self.filters
            else "Replicas can open sockets: there are no system call filters here",
        ]


def close_network() -> None:
    """For this process and all below it: no socket, no other program."""
    syscalls.no_new_privileges()
    _close([*_REACH, *_PROGRAMS])


def confine(uid: int | None, memory: int | None, files: list[Path]) -> None:
    """Before anything of a user's is touched. Raises OSError where what should work does not."""
    _limit(memory)  # what it reads is closed to it from here on
    syscalls.no_new_privileges()
    landlock.restrict([*_readable(), *files], [])
    if uid is not None:
        _drop_to(uid)
    _renounce()
    with contextlib.suppress(OSError):  # none on this machine: `Machine` says so
        _forbid_processes()


def confine_guard(
    uid: int | None, memory: int | None, readable: list[Path], prepare: Callable[[], None]
) -> None:
    """For the guard of a step, which starts processes; they have no more than it. `prepare` may
    still write. Raises OSError."""
    _limit(memory)
    syscalls.no_new_privileges()
    _close(_REACH)
    if uid is not None:
        _drop_to(uid)
    prepare()
    landlock.restrict([*_SYSTEM, "/proc", *readable], [])
    _renounce()


def before_program(readable: list[Path]) -> None:
    """For the worker of a step, a moment before it becomes the program of its environment. Of
    /proc it may read what libraries ask of themselves; somebody has to keep that open (`opened`),
    for a rule holds for what is known by that name now."""
    own = [f"/proc/self/{each}" for each in _OWN]
    landlock.restrict([*_SYSTEM, *_DEVICES, *readable, *own], [])
    with contextlib.suppress(OSError):  # as above
        _forbid_processes()


def opened(pid: int) -> list[int]:
    """Descriptors of what the worker `pid` may read of itself."""
    with contextlib.suppress(OSError):  # it has ended already
        return [os.open(f"/proc/{pid}/{each}", os.O_PATH | os.O_CLOEXEC) for each in _OWN]
    return []


def _renounce() -> None:
    with contextlib.suppress(OSError):  # without CAP_SETPCAP; there are no programs to get them by
        capability.renounce()
    capability.drop()
    syscalls.hide_memory()
    syscalls.die_with_parent(signal.SIGKILL)  # not before the change of uid, which clears it


def _close(calls: list[int]) -> None:
    with contextlib.suppress(OSError):  # none on this machine: `Machine` says so
        Filter(dict.fromkeys(calls, refuse(errno.EACCES))).put_on()


def _readable() -> list[str | Path]:
    ours = [Path(each).parent for each in (libs.__file__, services.__file__) if each]
    return [*_SYSTEM, *_DEVICES, sys.prefix, sys.base_prefix, *ours]


def _limit(memory: int | None) -> None:
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: MAX_DESCRIPTORS}
    if memory is not None:
        limits[resource.RLIMIT_DATA] = _data_bytes() + int(memory * _HEADROOM)
    for which, most in limits.items():
        resource.setrlimit(which, (most, most))


def _data_bytes() -> int:
    """What counts for RLIMIT_DATA already: most is shared with the spare, or never touched."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmData:")[2].split(maxsplit=1)[0]) << 10


def _forbid_processes() -> None:
    threads = if_bit(0, _CLONE_THREAD, allow, refuse(errno.EPERM))
    gone = [_KILL, _PIDFD_SEND_SIGNAL]
    if os.uname().machine == "x86_64":
        gone += [_FORK, _VFORK]
    rules = dict.fromkeys(gone, refuse(errno.EPERM))
    # Libc asks for clone3 first, whose flags a filter can't see, and does without.
    Filter({**rules, _CLONE: threads, _CLONE3: refuse(errno.ENOSYS)}).put_on()


def _drop_to(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _drop_far() -> None:
    """Whether another uid can still import what we have."""
    _drop_to(65533)
    for module in (os, services):  # the standard library, and ours
        Path(module.__file__ or "").read_bytes()
    os.listdir(Path(msgspec.__file__).parent)


def _tried(what: Callable[[], None]) -> bool:
    if (pid := os.fork()) == 0:
        try:
            what()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0
