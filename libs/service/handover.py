"""Connections of callers that pass from one of our processes to another, with what was read.

The one that has accepted a connection sees a request that is another's, and gives it the connection
itself: the kernel passes the descriptor along (unix(7), SCM_RIGHTS), and who calls notices nothing.
From then on they talk without a process between them. It comes back in the same way when a request
comes that is not the other's.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

logger = logging.getLogger(__name__)

_MAX_MESSAGE_BYTES = 1 << 18  # more than the kernel takes at once
MAX_BYTES = 1 << 18  # of a request that may go along: what asyncio reads at once
_UNIX = "unix:"
OnConnection = Callable[[socket.socket, bytes], None]


class Channel:
    """One of two ends, of SOCK_SEQPACKET. `on_connection` is called with each connection that
    comes, not blocking, `on_message` with what else the other side sends."""

    def __init__(
        self,
        end: socket.socket,
        on_connection: OnConnection,
        on_close: Callable[[], None],
        on_message: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_BYTES)
        self._end: socket.socket | None = end
        self._on_connection = on_connection
        self._on_message = on_message
        self._on_close = on_close
        self._outbox: deque[bytes] = deque()
        self._stopped = False
        asyncio.get_running_loop().add_reader(end, self._receive)

    def give(self, connection: socket.socket, data: bytes) -> bool:
        """Whether the other side has it now: then it is to be closed here. False where the other
        side is away or has too many waiting."""
        if self._end is None or len(data) > MAX_BYTES:
            return False
        try:
            socket.send_fds(self._end, [data], [connection.fileno()])
        except OSError:
            return False
        return True

    def send(self, data: bytes) -> None:
        """It comes after all that was sent before; lost only with the channel."""
        self._outbox.append(data)
        if len(self._outbox) == 1:
            self._flush()

    def _flush(self) -> None:
        while self._end is not None and self._outbox:
            try:
                self._end.send(self._outbox[0])
            except BlockingIOError:
                asyncio.get_running_loop().add_writer(self._end, self._flush)
                return
            except OSError:  # it is closed, as is read in a moment
                self._outbox.clear()
                break
            self._outbox.popleft()
        if self._end is not None:
            asyncio.get_running_loop().remove_writer(self._end)

    def stop_taking(self) -> None:
        """Nothing more comes from the other side: what it has sent is taken now, and from now on
        its `give` is False. Ours goes on."""
        if self._end is not None:
            self._stopped = True
            self._end.shutdown(socket.SHUT_RD)
            self._receive()

    def close(self) -> None:
        """Those that were given stay with who has them."""
        if self._end is not None:
            asyncio.get_running_loop().remove_writer(self._end)
            asyncio.get_running_loop().remove_reader(self._end)
            self._end.close()
            self._end = None
            self._on_close()

    def _receive(self) -> None:
        while self._end is not None:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._end, _MAX_MESSAGE_BYTES, 1)
            except BlockingIOError:
                return
            except OSError as problem:
                logger.warning("connections are handed over no more: %s", problem)
                data, descriptors = b"", []
            if not descriptors and not data:  # there is nothing more, or the other side has closed
                if self._stopped:
                    asyncio.get_running_loop().remove_reader(self._end)
                else:
                    self.close()
                return
            if not descriptors:
                self._on_message(data)
                continue
            connection = socket.socket(fileno=descriptors[0])
            connection.setblocking(False)
            self._on_connection(connection, data)


class Giver:
    """Gives the connections of requests that begin with `prefix` to who listens at `path`, which
    may come and go."""

    def __init__(self, prefix: bytes, path: str) -> None:
        self._prefix = prefix
        self._path = path
        self._channel: Channel | None = None
        self.returned: OnConnection = lambda connection, _: connection.close()

    def wants(self, data: bytes) -> bool:
        """See Elsewhere in timed_connection.py."""
        return data.startswith(self._prefix)

    def give(self, transport: asyncio.Transport, data: bytes) -> bool:
        """See Elsewhere. False as well while nobody listens."""
        channel = self._channel or self._connect()
        if channel is None:
            return False
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as copy:
            return channel.give(copy, data)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    def _connect(self) -> Channel | None:
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            end.connect(self._path)
        except OSError:
            end.close()
            return None
        self._channel = Channel(end, self._take_back, self._forget)
        return self._channel

    def _take_back(self, connection: socket.socket, data: bytes) -> None:
        self.returned(connection, data)

    def _forget(self) -> None:
        self._channel = None


def giver(prefix: bytes, url: str) -> Giver | None:
    """To the service at `url`, if that is on this machine: it listens at a unix socket."""
    return Giver(prefix, beside(url)) if url.startswith(_UNIX) else None


def beside(url: str) -> str:
    """Where the service at `url`, `unix:` and a path, takes connections; nowhere if it listens to
    other machines."""
    return url.removeprefix(_UNIX) + ".handover" if url.startswith(_UNIX) else ""


@asynccontextmanager
async def taking(
    path: str,
    on_connection: Callable[[Channel, socket.socket, bytes], None],
    leave: Callable[[], Awaitable[None]],
) -> AsyncIterator[None]:
    """Takes what is given at `path`, if there is one, while the block lasts; `on_connection` gets
    the channel by which each may go back. After that nothing more is taken, and `leave` is to end
    or give back what was; the channels are there until it returns."""
    channels: set[Channel] = set()

    def add_channel(end: socket.socket) -> None:
        channel = Channel(
            end,
            lambda connection, data: on_connection(channel, connection, data),
            lambda: channels.discard(channel),
        )
        channels.add(channel)

    try:
        if path:
            with _accepting(path, add_channel):
                yield
        else:
            yield
    except asyncio.CancelledError:
        for channel in list(channels):
            channel.stop_taking()
        await leave()
        raise
    finally:
        for channel in list(channels):
            channel.close()


@contextlib.contextmanager
def _accepting(path: str, add_channel: Callable[[socket.socket], None]) -> Iterator[None]:
    """Whoever has connected by the end of the block is accepted; nobody can any more."""
    loop = asyncio.get_running_loop()

    def accept() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                add_channel(listener.accept()[0])

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        listener.setblocking(False)
        loop.add_reader(listener, accept)
        try:
            yield
        finally:
            loop.remove_reader(listener)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            accept()
