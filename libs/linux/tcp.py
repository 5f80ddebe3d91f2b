"""Who is at the other end of the loopback: proc(5) names each socket's inode, and who has it open.

A port says nothing of who listens there: once a server has ended, any process may take its place.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from libs.linux.process import lives

Address = tuple[str, int]  # IPv4
_ESTABLISHED, _LISTENING = "01", "0A"


class Holder(NamedTuple):
    """Who listens on a port; `pid` is 0 where that is not ours to see."""

    pid: int
    uid: int

    def __str__(self) -> str:
        return f"process {self.pid or 'unknown'} of uid {self.uid}"


class _Row(NamedTuple):
    local: str
    remote: str
    state: str
    uid: int
    inode: str


def listens(pid: int, address: Address) -> bool:
    """Whether the process `pid` itself is who listens on `address`."""
    return any(_has(pid, row.inode) for row in _listeners(address))


def listener(address: Address) -> Holder | None:
    """Who listens on `address`, if somebody does."""
    row = next(_listeners(address), None)
    if row is None:
        return None
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return Holder(next((pid for pid in pids if _has(pid, row.inode)), 0), row.uid)


def serves(pid: int, server: Address, client: Address) -> bool:
    """Whether `pid` has the server's end of the connection from `client` to `server`. It does not
    before it has accepted it, so ask when the server has said something."""
    ends = (_written(server), _written(client), _ESTABLISHED)
    return any(_has(pid, row.inode) for row in _rows() if row[:3] == ends)


def _listeners(address: Address) -> Iterator[_Row]:
    """Listening on any address makes no difference to who calls this one."""
    places = {_written(address), _written(("0.0.0.0", address[1]))}  # noqa: S104 - only compared
    return (row for row in _rows() if row.state == _LISTENING and row.local in places)


def _rows() -> Iterator[_Row]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        yield _Row(fields[1], fields[2], fields[3], int(fields[7]), fields[9])


def _written(address: Address) -> str:
    """As the kernel writes it: the address as a number of this machine's byte order."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"


def _has(pid: int, inode: str) -> bool:
    if not lives(pid):
        return False
    wanted = f"socket:[{inode}]"
    with suppress(OSError):  # it has ended, or is not ours to look at
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{name}") == wanted:
                    return True
    return False
