"""Bytes over blocking sockets; rondo/aio/transport.py does the same over asyncio."""

import socket
import time
from collections.abc import Generator
from typing import Any

from rondo import wire
from rondo.errors import Unavailable, Unreachable

CONNECT = 5.0  # s
QUIET = 30.0  # s that a stream is heard nothing of at most

sleep = time.sleep


class Transport:
    """One connection a request. `timeout` is in seconds, for each wait on the other side."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float) -> None:
        self._endpoint, self._timeout = endpoint, timeout

    def send(self, request: wire.Request) -> wire.Answer:
        """The answer, whatever its status. Unreachable when nothing can have been asked for."""
        head = request.head(self._endpoint)
        with self._connection(self._timeout) as connection:
            try:
                self._write(connection, head, request)
                return wire.read(connection)
            except OSError as error:
                raise Unavailable(f"the connection broke: {error}", "connection_lost") from error

    def stream(self, request: wire.Request) -> Generator[bytes, None, None]:
        """The body of a success as it comes, else the error that it tells of."""
        head = request.head(self._endpoint)
        with self._connection(QUIET) as connection:
            try:
                self._write(connection, head, request)
                yield from wire.pieces(connection)
            except OSError as error:
                raise Unavailable(f"the connection broke: {error}", "connection_lost") from error

    def _connection(self, timeout: float) -> Any:
        to = self._endpoint
        try:
            plain = socket.create_connection((to.host, to.port), min(CONNECT, self._timeout))
            plain.settimeout(timeout)
            return _secured(plain, to.host) if to.secure else plain
        except OSError as error:
            raise Unreachable(f"{to.host}:{to.port}: {error}", "unreachable") from error

    def _write(self, connection: Any, head: bytes, request: wire.Request) -> None:
        try:
            connection.sendall(head)
            for piece in request.body:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # who refuses an upload answers before its end: the answer says why


def _secured(plain: socket.socket, host: str) -> Any:
    import ssl  # most of its time to load is spent for nothing on plain HTTP

    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise
