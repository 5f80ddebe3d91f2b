"""Bytes over blocking sockets; rondo/aio/http_transport.py does the same over asyncio."""

import socket
import time
from collections.abc import Generator
from typing import Any

from rondo.errors import Unavailable, Unreachable
from rondo.http_messages import Answer, Endpoint, Request, read_answer, stream_body

CONNECT_TIMEOUT_SECONDS = 5.0
QUIET_TIMEOUT_SECONDS = 30.0  # the longest silence of a stream

sleep = time.sleep


class Transport:
    """One connection a request. `timeout` is in seconds, for each wait on the other side."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint, self._timeout = endpoint, timeout

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status.

        Raises Unreachable when the platform can't have received the request, Unavailable when it
        may have.
        """
        head = request.head(self._endpoint)
        with self._connect(request.timeout or self._timeout) as connection:
            try:
                self._write(connection, head, request)
                return read_answer(connection)
            except OSError as error:
                raise Unavailable(f"the connection broke: {error}", "connection_lost") from error

    def stream(self, request: Request) -> Generator[bytes, None, None]:
        """The body of a success, piece by piece as it comes.

        Raises the error of any other answer, and what `send` raises.
        """
        head = request.head(self._endpoint)
        with self._connect(QUIET_TIMEOUT_SECONDS) as connection:
            try:
                self._write(connection, head, request)
                yield from stream_body(connection)
            except OSError as error:
                raise Unavailable(f"the connection broke: {error}", "connection_lost") from error

    def _connect(self, timeout: float) -> Any:
        to = self._endpoint
        connect_timeout = min(CONNECT_TIMEOUT_SECONDS, self._timeout)
        try:
            plain = socket.create_connection((to.host, to.port), connect_timeout)
            plain.settimeout(timeout)
            return _with_tls(plain, to.host) if to.secure else plain
        except OSError as error:
            raise Unreachable(f"{to.host}:{to.port}: {error}", "unreachable") from error

    def _write(self, connection: Any, head: bytes, request: Request) -> None:
        try:
            connection.sendall(head)
            for piece in request.body:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # who refuses an upload answers before its end: the answer says why


def _with_tls(plain: socket.socket, host: str) -> Any:
    import ssl  # it takes long to load, and plain HTTP does not need it

    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise
