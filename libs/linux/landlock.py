"""Landlock: a process gives up what it does not need of the file system, without any rights.

Sources: landlock(7), linux/landlock.h. The rules hold for the process, what it executes and all
its descendants, for ever; they also keep it from signalling or tracing anyone outside.
"""

import ctypes
import errno
import functools
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from libs.linux import syscalls

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_BIND_TCP = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# What each version can restrict: 13 rights at first, then REFER, TRUNCATE, IOCTL_DEV.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_RIGHTS = (1 << 16) - 1
_ABSTRACT_SOCKETS_AND_SIGNALS = 1 | 2


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _PortRule(ctypes.Structure):
    _fields_ = [("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64)]


@functools.cache
def version() -> int:
    """The kernel's Landlock interface: 0 where there is none, 6 and up with signals scoped."""
    try:
        return syscalls.syscall(
            _CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)
        )
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def restrict_ports(allowed: Iterable[int]) -> None:
    """From now on sockets of TCP can be bound to these ports only; 0 is any free one.

    Each costs who restricts itself further 0.2 us. It confines nothing else, mounting neither.
    Nothing happens before version 4. NO_NEW_PRIVS must be set, else OSError.
    """
    if version() < 4:
        return
    ruleset = _ruleset(_Ruleset(0, _BIND_TCP, 0))
    try:
        for port in allowed:
            rule = _PortRule(_BIND_TCP, port)
            syscalls.syscall(_ADD_RULE, ruleset, _NET_PORT, ctypes.byref(rule), 0)
        syscalls.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def restrict(
    readable: Iterable[str | Path],
    writable: Iterable[str | Path],
    listable: Iterable[str | Path] = (),
) -> None:
    """From now on nothing but the trees `readable` (and executable) and `writable` can be opened.

    Of those `listable` the folders can be listed. Paths that do not exist are passed over. Where
    the kernel has no Landlock nothing happens: ask `version` first. NO_NEW_PRIVS must be set, else
    OSError.
    """
    if not (have := version()):
        return
    rights = _RIGHTS.get(have, _ALL_RIGHTS)
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if have >= 6 else 0
    ruleset = _ruleset(_Ruleset(rights, 0, scoped))
    try:
        for path in readable:
            _allow(ruleset, path, rights & _READ)
        for path in writable:
            _allow(ruleset, path, rights)
        for path in listable:
            _allow(ruleset, path, rights & _READ_DIR)
        syscalls.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _ruleset(asked: _Ruleset) -> int:
    # An older kernel refuses a longer structure than it knows, unless the rest is zero: it is.
    size = ctypes.c_size_t(ctypes.sizeof(asked))
    return syscalls.syscall(_CREATE_RULESET, ctypes.byref(asked), size, ctypes.c_uint32(0))


def _allow(ruleset: int, path: str | Path, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        folder = stat.S_ISDIR(os.fstat(parent).st_mode)
        rule = _PathRule(rights if folder else rights & _OF_FILES, parent)
        syscalls.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
