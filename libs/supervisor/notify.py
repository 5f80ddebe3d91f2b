"""The receiving end of the sd_notify protocol: services say READY=1 and, as long as their event
loops go round, WATCHDOG=1; the kernel says who spoke. X_APPENDS_FAIL=<seconds> is of our own.

Source: sd_notify(3). One abstract datagram socket serves all children; a sender is known by the
pid and uid that SO_PASSCRED has the kernel put beside each datagram (unix(7)).
"""

import asyncio
import os
import secrets
import socket
import struct
from collections import defaultdict
from collections.abc import Callable
from typing import Self

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid
_SIZE = 4096
_FAIL, _STATUS = b"X_APPENDS_FAIL=", b"STATUS="


class Notifications:
    """Listens on `address` (the value of NOTIFY_SOCKET) until the end of its `with`."""

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """`tell` gets what a child says in STATUS=, for people."""
        self._tell = tell
        name = f"rondo-{secrets.token_hex(8)}"
        self.address = f"@{name}"
        self._ready: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._beating: dict[int, bool] = {}  # whether it has since it was asked
        self._failing = 0.0
        self._children: set[int] = set()  # those that have been waited for
        self._status: dict[int, str] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{name}")
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    async def ready(self, pid: int, _since: float) -> None:
        """Returns once the process `pid` has said that it is ready."""
        await self._ready[pid].wait()
        del self._ready[pid]
        self._children.add(pid)
        if text := self._status.pop(pid, ""):
            self._tell(text)

    def beats(self, pid: int) -> bool | None:
        """Whether the process `pid` has said WATCHDOG=1 since the last call; None: it never did."""
        heard = self._beating.get(pid)
        if heard:
            self._beating[pid] = False
        return heard

    def forget(self, pid: int) -> None:
        """It has ended; the next with this number is another."""
        self._beating.pop(pid, None)
        self._children.discard(pid)

    def appends_fail(self) -> float:
        """For how many seconds NATS has stored nothing, by whoever said so since the last call."""
        seconds, self._failing = self._failing, 0.0
        return seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        message, ancillary, _, _ = self._socket.recvmsg(_SIZE, space)
        for _, _, data in ancillary:
            pid, uid, _ = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])
            if uid == os.geteuid():
                for line in message.splitlines():
                    self._heard(pid, line)

    def _heard(self, pid: int, line: bytes) -> None:
        if line == b"READY=1":
            self._ready[pid].set()
        elif line == b"WATCHDOG=1":
            self._beating[pid] = True
        elif line.startswith(_FAIL) and pid in self._children:  # a run may have our uid
            self._failing = max(self._failing, float(line.removeprefix(_FAIL)))
        elif line.startswith(_STATUS):
            self._status[pid] = line.removeprefix(_STATUS).decode(errors="replace")
