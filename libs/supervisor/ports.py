"""Ports: picked once, remembered in a file, so that whoever knows an address finds it again."""

import errno
import json
import os
import secrets
import socket
from collections.abc import Container
from pathlib import Path
from typing import Self

from libs.domain.errors import Rejected
from libs.supervisor.folder import write_whole

# Below the kernel's range for outgoing connections (from 32768): none of those takes a port of
# ours while its process is being restarted.
_FIRST, _COUNT = 20000, 12000
_TRIES = 200


class Ports:
    """The ports of one instance, by name, remembered in the JSON file at `path`.

    Those that were picked stay reserved until the end of its `with`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}
        self._reserved: list[socket.socket] = []

    def pick(self, name: str, host: str = "127.0.0.1") -> int:
        """The port remembered for `name` if it is free on `host`, else another free one."""
        remembered = self._ports.get(name)
        if remembered is None or _obstacle(host, remembered):
            others = {port for other, port in self._ports.items() if other != name}
            reserved = reserve(host, others)
            self._ports[name] = reserved.getsockname()[1]
            write_whole(self._path, json.dumps(self._ports).encode())
        else:
            reserved = _bound(host, remembered, again=True)
        self._reserved.append(reserved)
        return self._ports[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._reserved:
            each.close()


def reserve(host: str = "127.0.0.1", taken: Container[int] = ()) -> socket.socket:
    """A socket on a free port that is not among `taken`.

    It does not listen. While it is open nobody else who looks for a free port is given its port,
    yet a server that sets SO_REUSEADDR, as all of ours do, can listen there: the time between
    choosing a port and listening on it is no race.
    """
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_COUNT)
        if port in taken:
            continue
        try:
            return _bound(host, port, again=False)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Rejected("invalid", f"--host {host}: {error.strerror}") from error
    raise Rejected("conflict", f"--host {host}: no free port found from {_FIRST} up")


def check_free(host: str, port: int) -> None:
    """Raises Rejected if nobody can listen there now."""
    if code := _obstacle(host, port):
        raise Rejected(
            "conflict",
            f"--port {port} on {host}: {os.strerror(code)}; choose another, or 0 for any free one",
        )


def _obstacle(host: str, port: int) -> int:
    """The errno that keeps us from listening there, else 0. Raises Rejected for a bad host."""
    try:
        with _bound(host, port, again=True) as probe:
            probe.listen()
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _bound(host: str, port: int, *, again: bool) -> socket.socket:
    """Bound even to a port that others are bound to, or left a moment ago, if `again`.

    Raises OSError, and Rejected for a bad host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise Rejected("invalid", f"--host {host}: {error.strerror}") from error
    bound = socket.socket(*found[:3])
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(again))
        bound.bind(found[4])
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        bound.close()
        raise
    return bound
