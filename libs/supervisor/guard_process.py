"""The guard itself: a program of the bare interpreter, since it is there for as long as the rest.

Stdin is its end of the channel to the supervisor: pidfds of children come by it, and its EOF is the
supervisor's end.
"""

import contextlib
import os
import select
import signal
import socket
import time

_GRACE = 5.0  # seconds that children get to end by themselves


def main() -> None:
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
