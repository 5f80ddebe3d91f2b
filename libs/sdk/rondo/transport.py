"""Bytes over blocking sockets; rondo/aio/transport.py does the same over asyncio."""

import socket
import time
from typing import Any

from rondo import wire
from rondo.errors import Unavailable, Unreachable

CONNECT = 5.0  # s

sleep = time.sleep


class Transport:
    """One connection a request. `timeout` is in seconds, for each wait on the other side."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float) -> None:
        self._endpoint, self._timeout = endpoint, timeout

    def send(self, request: wire.Request) -> wire.Answer:
        """The answer, whatever its status. Unreachable when nothing can have been asked for."""
        head = request.head(self._endpoint)
        with self._connection() as connection:
            try:
                self._write(connection, head, request)
                return wire.read(connection)
            except OSError as error:
                raise Unavailable(f"the connection broke: {error}", "connection_lost") from error

    def _connection(self) -> Any:
        to = self._endpoint
        try:
            plain = socket.create_connection((to.host, to.port), min(CONNECT, self._timeout))
            plain.settimeout(self._timeout)
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
