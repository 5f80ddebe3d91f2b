"""How much another process has received over TCP: a duplicate of its socket is asked, for a moment.

Sources: tcp(7), struct tcp_info of linux/tcp.h. It takes the right to trace the
process, which has whoever started it as the same uid, or is root.
"""

import os
import socket
import struct

from libs.linux import pidfd
from libs.linux.proc import opened

_BYTES_RECEIVED = struct.Struct("=128xQ")


def received(pid: int) -> dict[str, int]:
    """Bytes by connection, of those that are open; nothing where we may not look."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return {}
    found = {}
    try:
        for descriptor, what in opened(pid):
            if what.startswith("socket:") and (count := _count(handle, descriptor)):
                found[what] = count
    except OSError:  # it has ended, or is not ours to look at
        return found
    finally:
        os.close(handle)
    return found


def _count(handle: int, descriptor: int) -> int:
    """0 for a socket of another kind."""
    with pidfd.as_socket(handle, descriptor) as copy:
        try:
            told = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
        except OSError:
            return 0
    return int(_BYTES_RECEIVED.unpack(told)[0]) if len(told) == _BYTES_RECEIVED.size else 0
