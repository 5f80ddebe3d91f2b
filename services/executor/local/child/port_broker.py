"""Binds sockets for runs, to any port but those of the platform.

A run that binds the port of a server of ours while that is being restarted would be sent what its
clients send. Landlock can allow single ports only, at a cost for each, so it allows runs next to
none. A filter (syscall_filter.py) holds up who asks for another one, until this process, which is
bound by neither, has done it in its place. It has one thread, is the parent of the launcher, and
waits for its end.
"""

import contextlib
import errno
import select
import socket
from pathlib import Path

from libs.linux import seccomp_notify

_FAMILIES = {socket.AF_INET, socket.AF_INET6}
_LAST = 65535
_PORT = slice(2, 4)  # of an address of either family


# Where no run's socket can be had, those on which scripts listen: distributed training, dashboards.
ALLOWED_PORTS = (5000, 6006, 7860, 8000, 8265, 8501, 8786, 8787, 8888, 9000, 29400, 29500)
DEFAULT_KEPT_PORTS = "20000-29399"  # of which `rondo up` picks its own


class PortBroker:
    """`kept` are the ports that runs do not get."""

    def __init__(self, listener: int, kept: frozenset[int]) -> None:
        self._listener = listener
        self._kept = kept
        first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        self._first = int(first.read_text()) if first.exists() else 1024

    def serve(self, until: int) -> None:
        """Until the descriptor `until` is readable."""
        poller = select.poll()
        poller.register(until, select.POLLIN)
        poller.register(self._listener, select.POLLIN)
        while True:
            ready = dict(poller.poll())
            if until in ready:
                return
            if ready[self._listener] & select.POLLIN:
                with contextlib.suppress(OSError):  # who asked has ended
                    self._decide(seccomp_notify.receive(self._listener))
            else:
                poller.unregister(self._listener)  # no process has the filter any more

    def _decide(self, call: seccomp_notify.Asked) -> None:
        try:
            code = self._bound(call)
        except OSError:  # e.g. we may not look into it; what Landlock says to that stands
            code = None
        if code is None:
            seccomp_notify.go_on(self._listener, call)
        else:
            seccomp_notify.answer(self._listener, call, code)

    def _bound(self, call: seccomp_notify.Asked) -> int | None:
        """The errno; None to leave it to the kernel, which knows what a run may. Raises OSError."""
        descriptor, place, size, *_ = call.arguments
        with seccomp_notify.their_socket(self._listener, call, descriptor & 0xFFFFFFFF) as theirs:
            if theirs.family not in _FAMILIES or theirs.type != socket.SOCK_STREAM:
                return None
            address = seccomp_notify.their_bytes(self._listener, call, place, size & 0xFFFFFFFF)
            port = int.from_bytes(address[_PORT], "big")
            if port == 0:
                return None
            if port in self._kept or port < self._first:
                return errno.EACCES
            return seccomp_notify.bind(theirs, address)


def parse_ports(text: str) -> frozenset[int]:
    """From "20000-29399,8080". Raises ValueError."""
    ports: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not 0 <= int(first) <= int(last or first) <= _LAST:
            raise ValueError(f"{part} names no ports")
        ports |= set(range(int(first), int(last or first) + 1))
    return frozenset(ports - {0})
