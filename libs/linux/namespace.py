"""Namespaces: a private table of processes, and the right to have one without being root."""

import ctypes
import os
from pathlib import Path

from libs.linux import syscalls

CLONE_NEWPID = 0x20000000

_libc = ctypes.CDLL(None, use_errno=True)


def become_capable() -> None:
    """Enter a user namespace in which we keep our uid and gid but may mount and make namespaces.

    The rights end with exec, uid 0 apart. Raises OSError where the system forbids it.
    """
    uid, gid = os.getuid(), os.getgid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")  # else an ordinary user may not map its group
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def fork_in_pid_namespace() -> int:
    """os.fork, but the child is process 1 of a new pid namespace: all in it die when it does.

    Any number of times: the caller comes back to its own namespace, for which it needs rights over
    that one. An ordinary user has them over one made after `become_capable`. Raises OSError.
    """
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(CLONE_NEWPID)
        try:
            pid = os.fork()
        except OSError:
            _come_back(own)
            raise
        if pid:
            _come_back(own)
        return pid
    finally:
        os.close(own)


def _come_back(own: int) -> None:
    if _libc.setns(own, CLONE_NEWPID) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
