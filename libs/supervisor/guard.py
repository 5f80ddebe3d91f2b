"""The last resort: a small process that ends by force what outlives a killed supervisor.

The kernel tells the children of its death and they end by themselves; a child that is stuck would
stay for ever. The guard knows them by pidfd (pidfd_open(2)), so it never hits a reused pid.
"""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

# A program of its own and of few imports: forked from us it would take three times the memory.
_PROGRAM = Path(__file__).with_name("guard_process.py")


class Guard:
    """The supervisor's side. The guard keeps the descriptor `lock` open as long as it is needed."""

    def __init__(self, lock: int) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", str(_PROGRAM)],
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
