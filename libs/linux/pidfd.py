"""Descriptors of another process, as our own: pidfd_getfd(2). It takes the right to trace it."""

import os
import socket

from libs.linux import syscalls

_PIDFD_GETFD = 438  # the same on every architecture


def duplicate(process: int, descriptor: int) -> int:
    """`process` is a pidfd. Raises OSError."""
    return syscalls.syscall(_PIDFD_GETFD, process, descriptor, 0)


def as_socket(process: int, descriptor: int) -> socket.socket:
    """Raises OSError, also for what is no socket."""
    copy = duplicate(process, descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:  # else it would stay open
        os.close(copy)
        raise
