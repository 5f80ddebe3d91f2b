"""The last resort: a small process that ends by force what outlives a killed supervisor.

The kernel tells the children of its death and they end by themselves; a child that is stuck would
stay for ever. The guard knows them by pidfd (pidfd_open(2)), so it never hits a reused pid.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Self

_GRACE = 5.0  # seconds that children get to end by themselves


class Guard:
    """The supervisor's side. The guard keeps the descriptor `lock` open as long as it is needed."""

    def __init__(self, lock: int) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "libs.supervisor.guard"],
                stdin=theirs.fileno(),
                start_new_session=True,
                pass_fds=(lock,),
            )

    def watch(self, pid: int) -> None:
        """Guard our child `pid` from now on."""
        with contextlib.suppress(ProcessLookupError, BrokenPipeError):  # either one ended already
            handle = os.pidfd_open(pid)
            try:
                socket.send_fds(self._channel, [b"!"], [handle])
            finally:
                os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The guard ends once no child is left, or by force ends those."""
        self._channel.close()
        self._process.wait()


def main() -> None:
    """Stdin is the guard's end of the channel; its EOF is the supervisor's end."""
    with socket.socket(fileno=0) as supervisor:
        alive = _collect(supervisor)
    deadline = time.monotonic() + _GRACE
    while alive and (left := deadline - time.monotonic()) > 0:
        _forget(alive, select.select(list(alive), [], [], left)[0])
    for handle in alive:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)


def _collect(supervisor: socket.socket) -> set[int]:
    """The pidfds that came and still live when the supervisor has gone."""
    alive: set[int] = set()
    channel = supervisor.fileno()
    while True:
        readable: list[int] = select.select([channel, *alive], [], [])[0]
        _forget(alive, [each for each in readable if each != channel])
        if channel in readable:
            message, handles, _, _ = socket.recv_fds(supervisor, 1, 1)
            alive.update(handles)
            if not message:
                return alive


def _forget(alive: set[int], ended: list[int]) -> None:
    for handle in ended:
        alive.remove(handle)
        os.close(handle)


if __name__ == "__main__":
    main()
