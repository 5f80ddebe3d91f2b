"""Ports: picked once, remembered in a file, so that whoever knows an address finds it again."""

import errno
import json
import os
import secrets
import socket
from pathlib import Path

from libs.domain.errors import Rejected
from libs.supervisor.folder import write_whole

# Below the kernel's range for outgoing connections (from 32768): none of those takes a port of
# ours while its process is being restarted.
_FIRST, _COUNT = 20000, 12000
_TRIES = 200


class Ports:
    """The ports of one instance, by name, remembered in the JSON file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}

    def pick(self, name: str, host: str = "127.0.0.1") -> int:
        """The port remembered for `name` if it is free on `host`, else another free one."""
        remembered = self._ports.get(name)
        others = {port for other, port in self._ports.items() if other != name}
        if remembered is None or _obstacle(host, remembered):
            self._ports[name] = _free_port(host, others)
            write_whole(self._path, json.dumps(self._ports).encode())
        return self._ports[name]


def check_free(host: str, port: int) -> None:
    """Raises Rejected if nobody can listen there now."""
    if code := _obstacle(host, port):
        raise Rejected(
            "conflict",
            f"--port {port} on {host}: {os.strerror(code)}; choose another, or 0 for any free one",
        )


def _free_port(host: str, taken: set[int]) -> int:
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_COUNT)
        code = errno.EADDRINUSE if port in taken else _obstacle(host, port)
        if code == 0:
            return port
        if code != errno.EADDRINUSE:
            raise Rejected("invalid", f"--host {host}: {os.strerror(code)}")
    raise Rejected("conflict", f"--host {host}: no free port found from {_FIRST} up")


def _obstacle(host: str, port: int) -> int:
    """The errno that keeps us from listening there, else 0. Raises Rejected for a bad host."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except socket.gaierror as error:
        raise Rejected("invalid", f"--host {host}: {error.strerror}") from error
    except OSError as error:
        return error.errno or errno.EIO
    return 0
