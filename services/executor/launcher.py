"""Starts the processes of runs, being small itself: python -m services.executor.launcher.

The executor is large and has many threads, which makes forking it slow and unsafe. This process has
one thread and few imports; it forks a keeper for each run and reaps it. It dies with the executor,
and everything below it dies with it; so it does when the executor stands still (pulse.py).

Arguments: descriptors of a SOCK_SEQPACKET socket and of the executor's pulse, its pid, folder of
the runs, first uid, whether to use namespaces (1 or 0), readable trees. Sends Rights first, then a
Gone for each run; gets a Prepare with its two descriptors for each.
"""

import contextlib
import gc
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path

from libs.linux import namespace, syscalls
from services.executor import rights
from services.executor.forker import Forker
from services.executor.messages import Rights, encode
from services.executor.pulse import Watch


def main() -> int:
    """See the module. Ends when the executor does."""
    descriptor, pulse, executor_pid, runs, uid, namespaces, *readable = sys.argv[1:]
    syscalls.die_with_parent(signal.SIGKILL)
    if os.getppid() != int(executor_pid):
        return 1  # it ended before we asked to end with it
    os.chdir("/")
    syscalls.become_subreaper()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # it keeps one a run
    gc.disable()  # a collection in each forked process would touch, hence copy, all its memory
    watch = Watch(int(pulse))
    with socket.socket(fileno=int(descriptor)) as executor:
        found = rights.find(Path(runs), int(uid), readable, namespaces == "1")
        if not found.namespaces and (first := _isolate()):
            # It keeps the socket as well: the executor takes its end for the end of all runs.
            return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
        _serve(executor, found, watch)
    return 0


def _isolate() -> int:
    """Go on as process 1 of a new pid namespace, so that the kernel ends all runs when we end.

    Returns 0 there, its pid in the process that stays outside.
    """
    if os.geteuid() != 0:
        namespace.become_capable()
    syscalls.unshare(namespace.CLONE_NEWPID)
    if (first := os.fork()) == 0:
        syscalls.die_with_parent(signal.SIGKILL)
    return first


class Launcher(Forker):
    """Gives its executor up when that shows no pulse."""

    def __init__(self, executor: socket.socket, namespaces: bool, watch: Watch) -> None:
        super().__init__(executor, namespaces)
        self._watch = watch
        self.poller.register(watch.timer, select.POLLIN)

    def forsaken(self) -> bool:
        """See Forker.forsaken."""
        return self._watch.missed()


def _serve(executor: socket.socket, found: Rights, watch: Watch) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has ended already; then there is nothing to do
        executor.send(encode(found))
    launcher = Launcher(executor, not found.namespaces, watch)
    if not launcher.forsaken():  # which sets the timer
        launcher.serve()
    launcher.end_all()


if __name__ == "__main__":
    sys.exit(main())
