"""Ports: picked once, remembered in a file, so that whoever knows an address finds it again.

A run may wait for the moment in which a server of ours has died to take its port. So the ports of
an instance are held by `rondo up` itself for as long as it lives: one that takes the sockets of
others is given a listening one; one that insists on its own finds its port held in a way that
nobody may share, but for the moments in which it starts.
"""

import errno
import json
import os
import secrets
import socket
from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from libs.domain.errors import Rejected
from libs.linux.tcp import Holder, listener
from libs.supervisor.folder import write_whole

# Below the kernel's range for outgoing connections (from 32768): none of those takes a port of
# ours while its process is being restarted. No run can listen on these; on those behind them some
# libraries do by default (29400 and 29500, training on several machines).
FIRST, LAST = 20000, 29399
_TRIES = 200
_BACKLOG = 128
# Where a caller may end up who names `localhost`, or whose system prefers the other kind.
_TWINS = {"127.0.0.1": "::1", "0.0.0.0": "::1", "::1": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104
_NO_SUCH_PLACE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class Ports:
    """The ports of one instance, by name, remembered in the JSON file at `path`.

    Those that were picked stay held until the end of its `with`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}
        self._held: dict[str, list[socket.socket]] = {}

    def pick(self, name: str, host: str = "127.0.0.1") -> int:
        """The port remembered for `name` if it is free on `host`, else another free one. Nobody can
        listen there but between `lend` and `take_back`."""
        remembered = self._ports.get(name)
        if remembered is None or _obstacle(host, remembered):
            return self.move(name, host)
        self._hold(name, _bound(host, remembered, again=True), _twin(host, remembered))
        return remembered

    def move(self, name: str, host: str = "127.0.0.1") -> int:
        """Another port for `name`, since somebody has the one that it had."""
        self._let_go(name)
        held = reserve(host, set(self._ports.values()))
        self._ports[name] = port = int(held.getsockname()[1])
        write_whole(self._path, json.dumps(self._ports).encode())
        self._hold(name, held, _twin(host, port))
        return port

    def listen(self, name: str, host: str, port: int = 0) -> list[socket.socket]:
        """Sockets that listen on `port`, or where 0 on the remembered or another free one, for a
        server that is given them. Raises Rejected if there is no listening there."""
        if port:
            check_free(host, port)
        else:
            port = self.pick(name, host)
            self._let_go(name)
        sockets = _listening(host, port)
        self._held[name] = [*sockets, *_twin(host, port)]
        return sockets

    def lend(self, name: str) -> None:
        """Until `take_back`, who sets SO_REUSEADDR, as servers do, can listen on `name`'s port.

        Call it before the server is started: one that is quicker than we are finds its port held.
        """
        self._share(name, 1)

    def take_back(self, name: str) -> None:
        self._share(name, 0)

    def _share(self, name: str, shared: int) -> None:
        for own in self._held.get(name, [])[:1]:  # none once the ports are given up
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shared)

    def holder(self, name: str) -> Holder | None:
        """Who listens on the port of `name` on 127.0.0.1."""
        return listener(("127.0.0.1", self._ports[name]))

    def close(self) -> None:
        """Hold none any more."""
        for name in list(self._held):
            self._let_go(name)

    def known(self) -> set[int]:
        """All that were ever picked, by whatever name."""
        return set(self._ports.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hold(self, name: str, own: socket.socket, twins: list[socket.socket]) -> None:
        _keep_to_ourselves(own)
        self._let_go(name)
        self._held[name] = [own, *twins]

    def _let_go(self, name: str) -> None:
        for each in self._held.pop(name, []):
            each.close()


def reserve(host: str = "127.0.0.1", taken: Container[int] = ()) -> socket.socket:
    """A socket on a free port that is not among `taken`.

    It does not listen. While it is open nobody else who looks for a free port is given its port,
    yet who sets SO_REUSEADDR can listen there.
    """
    for _ in range(_TRIES):
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        if port in taken:
            continue
        try:
            return _bound(host, port, again=False)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Rejected("invalid", f"--host {host}: {error.strerror}") from error
    raise Rejected("conflict", f"--host {host}: no free port found from {FIRST} up")


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


def _listening(host: str, port: int) -> list[socket.socket]:
    """On each address that `host` stands for, and that this machine has."""
    sockets: list[socket.socket] = []
    for found in _places(host, port):
        try:
            sockets.append(_at(found, again=True))
            sockets[-1].listen(_BACKLOG)
        except OSError as error:
            if error.errno not in _NO_SUCH_PLACE:
                raise Rejected("conflict", f"--port {port} on {host}: {error.strerror}") from error
    return sockets


def _twin(host: str, port: int) -> list[socket.socket]:
    """Held without listening, so that who calls there is refused and goes on to us."""
    if host not in _TWINS:
        return []
    with suppress(OSError):  # without IPv6, or somebody has it who was there before us
        return [_bound(_TWINS[host], port, again=False, shared=False)]
    return []


def _bound(host: str, port: int, *, again: bool, shared: bool = True) -> socket.socket:
    """Bound even to a port that others are bound to, or left a moment ago, if `again`; others may
    do so too, if `shared`. Raises OSError, and Rejected for a bad host."""
    bound = _at(_places(host, port)[0], again=again)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(shared))
    return bound


_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def _places(host: str, port: int) -> Sequence[_Address]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Rejected("invalid", f"--host {host}: {error.strerror}") from error


def _at(address: _Address, *, again: bool) -> socket.socket:
    bound = socket.socket(*address[:3])
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(again))
        if address[0] == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address[4])
    except OSError:
        bound.close()
        raise
    return bound


def _keep_to_ourselves(bound: socket.socket) -> None:
    """Nobody can bind its port from now on, whatever they set and whoever they are.

    Linux remembers of a port that all who are bound to it would share it, and looks at them anew
    only once one of them has listened (`fastreuse` in net/ipv4/inet_connection_sock.c).
    """
    bound.listen()
    bound.shutdown(socket.SHUT_RDWR)  # listens no more, and stays bound
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
