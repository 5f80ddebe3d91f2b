"""Who is at the other end of the loopback: the kernel names a socket, and proc(5) its owner.

A port says nothing of who listens there: once a server has ended, any process may take its place.
"""

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from libs.linux.proc import lives, opened
from libs.linux.sockdiag import ESTABLISHED, LISTENING, NOWHERE, Address, Found, look_up

__all__ = ["Address", "Holder", "listener", "listens", "serves"]


class Holder(NamedTuple):
    """Who listens on a port; `pid` is 0 where that is not ours to see."""

    pid: int
    uid: int

    def __str__(self) -> str:
        return f"process {self.pid or 'unknown'} of uid {self.uid}"


def listens(pid: int, address: Address) -> bool:
    """Whether the process `pid` itself is who listens on `address`."""
    found = _socket(address, NOWHERE, LISTENING)
    return found is not None and _has(pid, found.inode)


def listener(address: Address) -> Holder | None:
    """Who listens on `address`, if somebody does."""
    found = _socket(address, NOWHERE, LISTENING)
    if found is None:
        return None
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return Holder(next((pid for pid in pids if _has(pid, found.inode)), 0), found.uid)


def serves(pid: int, server: Address, client: Address) -> bool:
    """Whether `pid` has the server's end of the connection from `client` to `server`. It does not
    before it has accepted it, so ask when the server has said something."""
    found = _socket(server, client, ESTABLISHED)
    return found is not None and _has(pid, found.inode)


def _socket(local: Address, remote: Address, state: int) -> Found | None:
    try:
        found = look_up(local, remote)
    except OSError:  # a kernel without it, or a filter that refuses it
        found = _read(local, remote, state)
    return found if found and found.state == state else None


def _read(local: Address, remote: Address, state: int) -> Found | None:
    """The same from /proc/net/tcp. Who listens on any address also listens on this one."""
    locals_ = [_written(local)]
    if state == LISTENING:
        locals_.append(_written((NOWHERE[0], local[1])))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ends = fields[1] in locals_ and fields[2] == _written(remote)
        if ends and int(fields[3], 16) == state:
            return Found(state, int(fields[7]), int(fields[9]))
    return None


def _written(address: Address) -> str:
    """As the kernel writes it: the address as a number of this machine's byte order."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"


def _has(pid: int, inode: int) -> bool:
    if not lives(pid):
        return False
    wanted = f"socket:[{inode}]"
    with suppress(OSError):  # it has ended, or is not ours to look at
        return any(what == wanted for _, what in opened(pid))
    return False
