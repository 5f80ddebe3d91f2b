"""The few system calls that Python does not wrap, by ctypes. Errors are OSError with the errno.

Sources: prctl(2), unshare(2), mount(2), umount2(2), syncfs(2). pidfd_open(2) is in `os` already.
"""

import ctypes
import os
import signal
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
_libc.syscall.restype = ctypes.c_long

CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
CLONE_NEWUSER = 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18

_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38


def _check(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def die_with_parent(sig: signal.Signals) -> None:
    """Get `sig` when the thread that forked us ends. A change of uid clears it: call it after."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, sig, 0, 0, 0))


def become_subreaper() -> None:
    """Orphaned descendants become our children, not init's."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def no_new_privileges() -> None:
    """No setuid program gives us or our children more rights from here on."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def hide_memory() -> None:
    """Other processes of our uid can't read our memory or environment (PR_SET_DUMPABLE 0)."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for private ones."""
    _check(_libc.unshare(flags))


def mount(
    source: str | Path, target: str | Path, kind: str = "", flags: int = 0, data: str = ""
) -> None:
    """mount(2); `kind` is the file system's type, empty for a bind or remount."""
    _check(
        _libc.mount(
            os.fsencode(source), os.fsencode(target), kind.encode(), flags, data.encode() or None
        )
    )


def detach(target: str | Path) -> None:
    """Unmount it; what is in use of it stays so: umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH))


def sync_file_system(path: Path) -> None:
    """All of the file system that holds the folder is on its disk then: syncfs(2)."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _check(_libc.syncfs(handle))
    finally:
        os.close(handle)


def syscall(number: int, *arguments: object) -> int:
    """A call by its number, for those that libc does not name (Landlock)."""
    return _check(_libc.syscall(ctypes.c_long(number), *arguments))
