"""The library's client of NATS, which hands messages on as they are read.

Some ten times cheaper than by the library's queue, task and slow reading of headers. It overrides
what the library keeps to itself; the tests of this folder would notice a change.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

from libs.eventlog import server_identity
from libs.eventlog.message import Message, frames


class _Parser(Parser):  # type: ignore[misc]
    """Reads messages that have headers, which is nearly all that comes, without its expressions."""

    async def parse(self, data: bytes = b"") -> None:
        """Takes what has arrived, cut anywhere; calls the client for each whole message."""
        if self.state == AWAITING_CONTROL_LINE:
            if self.buf:
                data = bytes(self.buf) + data
                self.buf.clear()
            data = await self._whole(data)
            if data.startswith(b"HMSG "):
                self.buf += data  # the rest of it is on its way
                return
        await super().parse(data)

    async def _whole(self, data: bytes) -> bytes:
        """Hands on the whole messages with headers; gives what follows the last of them."""
        messages = frames(data)
        for _, sid, subject, reply, body, headers in messages:
            receiver = self.nc.receivers.get(sid)
            if receiver is None:
                await self.nc._process_msg(sid, subject, reply, body, headers)
            else:
                receiver(Message(subject.decode(), headers, body, reply.decode()))
        return data[messages[-1][0] :] if messages else data


class DirectClient(Client):  # type: ignore[misc]
    """With `server`, a file that says which process NATS is, it connects to no other."""

    def __init__(self, server: Path | None = None) -> None:
        super().__init__()
        self._ps = _Parser(self)
        self._file = server
        self._server: server_identity.Server | None = None
        self.receivers: dict[int, Callable[[Message], None]] = {}

    async def _connect_to_server(self, s: Any) -> None:
        if self._file:  # wherever else a server has said that there are others
            self._server = server_identity.load(self._file)
            s.uri = urlsplit(self._server.url)
        await super()._connect_to_server(s)

    def _connect_command(self) -> bytes:
        """The first that is said to a server, once it has greeted."""
        if self._server:
            stream = self._transport._io_writer
            its, ours = stream.get_extra_info("peername"), stream.get_extra_info("sockname")
            if not server_identity.proves_itself(self._server, its, ours):
                raise nats.errors.Error(f"somebody else than NATS answers at {self._server.url}")
        command: bytes = super()._connect_command()
        return command

    async def receive(
        self, subject: str, receiver: Callable[[Message], None], queue: str = ""
    ) -> Subscription:
        """Calls `receiver` with each message on `subject`, in their order; with a `queue`, one of
        its members gets each message."""
        subscription = await self.subscribe(subject, queue)
        self.receivers[subscription._id] = receiver
        return subscription

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self.receivers.pop(sid, None)
        super()._remove_sub(sid, max_msgs)

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        receiver = self.receivers.get(sid)
        if receiver is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            receiver(Message(subject.decode(), headers or b"", data, reply.decode()))
