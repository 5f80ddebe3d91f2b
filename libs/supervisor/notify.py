"""The receiving end of the sd_notify protocol: services say READY=1, the kernel says who spoke.

Source: sd_notify(3). One abstract datagram socket serves all children; a sender is known by the
pid and uid that SO_PASSCRED has the kernel put beside each datagram (unix(7)).
"""

import asyncio
import os
import secrets
import socket
import struct
from collections import defaultdict
from typing import Self

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid
_SIZE = 4096


class Notifications:
    """Listens on `address` (the value of NOTIFY_SOCKET) until the end of its `with`."""

    def __init__(self) -> None:
        name = f"rondo-{secrets.token_hex(8)}"
        self.address = f"@{name}"
        self._ready: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{name}")
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    async def ready(self, pid: int, _since: float) -> None:
        """Returns once the process `pid` has said that it is ready."""
        await self._ready[pid].wait()
        del self._ready[pid]

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
            if uid == os.geteuid() and b"READY=1" in message.splitlines():
                self._ready[pid].set()
