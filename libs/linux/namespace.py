"""Namespaces: a private table of processes, and the right to have one without being root."""

import ctypes
import os
from pathlib import Path
from typing import NoReturn

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


def become_capable_over(uids: range, also: int) -> None:
    """Enter a user namespace in which there are `uids`, the uid `also`, and gids of these numbers.

    As root only. We are nobody there, with all rights over it. Raises OSError.
    """
    told, tell = os.pipe()
    if (helper := os.fork()) == 0:  # the map can be written from outside alone
        os.close(tell)
        os.read(told, 1)
        _write_maps(os.getppid(), f"{also} {also} 1\n{uids.start} {uids.start} {len(uids)}\n")
    os.close(told)
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
    finally:
        os.close(tell)
        _, status = os.waitpid(helper, 0)
    if status:
        raise OSError("the kernel does not let us map uids into a user namespace")


def _write_maps(pid: int, text: str) -> NoReturn:
    try:
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(text)
    except OSError:
        os._exit(1)
    os._exit(0)


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
