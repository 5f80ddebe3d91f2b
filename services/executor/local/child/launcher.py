"""Starts the processes of runs, being small itself (python -m, as a program of its own).

The executor is large and has many threads, which makes forking it slow and unsafe. This process has
one thread and few imports; it forks a shim for each run and reaps it. It dies with the executor,
and everything below it dies with it; so it does when the executor stands still (heartbeat.py). Its
parent stays to bind sockets for runs (port_broker.py).

Arguments: descriptors of a SOCK_SEQPACKET socket and of the executor's pulse, its pid, folder of
the runs, first uid, whether to use namespaces (1 or 0), ports that runs do not get, readable
trees. Sends Capabilities first, then a Gone for each run; gets a Prepare with its two descriptors
for each.
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

import msgspec

from libs.linux import landlock, namespace, syscalls
from services.executor.local.child import syscall_filter
from services.executor.local.child.capability_probe import detect
from services.executor.local.child.fork_loop import ForkLoop
from services.executor.local.child.port_broker import ALLOWED_PORTS, PortBroker, parse_ports
from services.executor.local.heartbeat import HeartbeatWatch
from services.executor.local.protocol import Capabilities, encode

_FIRST_TO_GO = "300"  # of 1000: as if it had that much of the machine's memory


def main() -> int:
    """See the module. Ends when the executor does."""
    descriptor, pulse, executor_pid, runs, uid, namespaces, ports, *readable = sys.argv[1:]
    syscalls.die_with_parent(signal.SIGKILL)
    if os.getppid() != int(executor_pid):
        return 1  # it ended before we asked to end with it
    os.chdir("/")
    _bound_all()
    kept = parse_ports(ports)
    watch = HeartbeatWatch(int(pulse))
    with socket.socket(fileno=int(descriptor)) as executor:
        found = detect(Path(runs), int(uid), readable, namespaces == "1")
        to_porter, from_launcher = socket.socketpair()
        if first := _fork(isolated=not found.no_namespaces):
            # It keeps the socket as well: the executor takes its end for the end of all runs.
            to_porter.close()
            return _be_porter(first, from_launcher, kept)
        from_launcher.close()
        with to_porter:
            found = _seal(found, kept, to_porter)
        _serve(executor, found, watch)
    return 0


def _bound_all() -> None:
    """What is alike for all below us and costs a run nothing here."""
    gc.disable()  # a collection in each forked process would touch, hence copy, all its memory
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # it keeps one a run
    for none in (resource.RLIMIT_RTPRIO, resource.RLIMIT_NICE):
        resource.setrlimit(none, (0, 0))  # no run goes before the platform
    with contextlib.suppress(OSError):  # whoever is short of memory ends a run first
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)


def _fork(isolated: bool) -> int:
    """Go on in a child; if it is to be isolated, as process 1 of a new pid namespace, so that the
    kernel ends all runs when it ends.

    Returns 0 there, its pid in the process that stays outside.
    """
    if isolated and os.geteuid() != 0:
        namespace.become_capable()
    if isolated:
        syscalls.unshare(namespace.CLONE_NEWPID)
    if (first := os.fork()) == 0:
        syscalls.die_with_parent(signal.SIGKILL)
        syscalls.become_subreaper()
    return first


def _be_porter(first: int, launcher: socket.socket, kept: frozenset[int]) -> int:
    with launcher:
        _, listeners, _, _ = socket.recv_fds(launcher, 1, 1)
    if listeners:
        PortBroker(listeners[0], kept).serve(until=os.pidfd_open(first))
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def _seal(found: Capabilities, kept: frozenset[int], porter: socket.socket) -> Capabilities:
    """Give up what no run is to have. What we may not is said."""
    syscall_filter.make_ready()
    syscalls.no_new_privileges()
    landlock.restrict_ports({0, *ALLOWED_PORTS} - kept)
    try:
        listener = syscall_filter.close_to_all(not found.no_namespaces, apart=found.private_devices)
    except OSError as error:
        return msgspec.structs.replace(found, no_syscall_filter=str(error.strerror or error))
    if listener:
        socket.send_fds(porter, [b"1"], [listener])
        os.close(listener)
    return found


class Launcher(ForkLoop):
    """Gives its executor up when that shows no pulse."""

    def __init__(self, executor: socket.socket, namespaces: bool, watch: HeartbeatWatch) -> None:
        super().__init__(executor, namespaces)
        self._watch = watch
        self.poller.register(watch.timer, select.POLLIN)

    def forsaken(self) -> bool:
        """See ForkLoop.forsaken."""
        return self._watch.missed()


def _serve(executor: socket.socket, found: Capabilities, watch: HeartbeatWatch) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has ended already; then there is nothing to do
        executor.send(encode(found))
    launcher = Launcher(executor, not found.no_namespaces, watch)
    if not launcher.forsaken():  # which sets the timer
        launcher.serve()
    launcher.end_all()


if __name__ == "__main__":
    sys.exit(main())
