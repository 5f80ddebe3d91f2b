"""How much another process has received over TCP: a duplicate of its socket is asked, for a moment.

Sources: pidfd_getfd(2), tcp(7), struct tcp_info of linux/tcp.h. It takes the right to trace the
process, which has whoever started it as the same uid, or is root.
"""

import os
import socket
import struct

from libs.linux import syscalls

_PIDFD_GETFD = 438  # on all architectures
_BYTES_RECEIVED = struct.Struct("=128xQ")


def received(pid: int) -> dict[str, int]:
    """Bytes by connection, of those that are open; nothing where we may not look."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return {}
    found = {}
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            name = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if name.startswith("socket:") and (count := _count(handle, int(descriptor))):
                found[name] = count
    except OSError:  # it has ended, or is not ours to look at
        return found
    finally:
        os.close(handle)
    return found


def _count(handle: int, descriptor: int) -> int:
    """0 for a socket of another kind."""
    with socket.socket(fileno=syscalls.syscall(_PIDFD_GETFD, handle, descriptor, 0)) as copy:
        try:
            told = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
        except OSError:
            return 0
    return int(_BYTES_RECEIVED.unpack(told)[0]) if len(told) == _BYTES_RECEIVED.size else 0
