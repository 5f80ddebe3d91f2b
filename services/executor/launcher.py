"""Starts the processes of runs, being small itself: python -m services.executor.launcher.

The executor is large and has many threads, which makes forking it slow and unsafe. This process has
one thread and few imports; it forks a keeper for each run and reaps it. It dies with the executor,
and everything below it dies with it.

Arguments: descriptor of a SOCK_SEQPACKET socket, the executor's pid, folder of the runs, first uid,
whether to use namespaces (1 or 0), readable trees. Sends Rights first, then a Gone for each run;
gets a Launch with its three descriptors (stdout, stderr, control) for each.
"""

import contextlib
import gc
import os
import resource
import select
import signal
import socket
import sys
import traceback
from pathlib import Path

from libs.linux import namespace, process, syscalls
from libs.linux.cgroup import Group
from services.executor import keeper, rights
from services.executor.messages import (
    MESSAGE_BYTES,
    Failed,
    Gone,
    Launch,
    Rights,
    encode,
    launch_decoder,
)


class Launcher:
    """Serves one executor until it is gone."""

    def __init__(self, executor: socket.socket, namespaces: bool) -> None:
        self._executor = executor
        self._fork = namespace.fork_in_pid_namespace if namespaces else os.fork
        self._myself = os.pidfd_open(os.getpid())  # for the keepers: readable when we are gone
        self._keepers: dict[int, tuple[int, Launch]] = {}  # by pidfd, with the pid
        self._poller = select.poll()
        self._poller.register(executor, select.POLLIN)

    def serve(self) -> None:
        """Start and reap until the executor closes its end."""
        while True:
            for source, _ in self._poller.poll():
                if source in self._keepers:
                    self._reap(source)
                elif not self._start():
                    return

    def _start(self) -> bool:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._executor, MESSAGE_BYTES, 3)
        except ConnectionResetError:  # it is gone and left something of ours unread
            return False
        if not message:
            return False
        stdout, stderr, control = descriptors
        for each in descriptors:  # recv_fds drops the flag for it; no run may get the control
            os.set_inheritable(each, False)
        launch = launch_decoder.decode(message)
        with socket.socket(fileno=control) as channel:
            try:
                self._keep(launch, stdout, stderr, channel)
            except OSError as error:  # too many processes; the other runs go on
                channel.send(encode(Failed(str(error))))
                self._executor.send(encode(Gone(launch.run_id)))
        os.close(stdout)
        os.close(stderr)
        return True

    def _keep(self, launch: Launch, stdout: int, stderr: int, channel: socket.socket) -> None:
        if (pid := self._fork()) == 0:
            self._be_keeper(launch, stdout, stderr, channel)
        watch = os.pidfd_open(pid)
        self._keepers[watch] = pid, launch
        self._poller.register(watch, select.POLLIN)

    def _be_keeper(self, launch: Launch, stdout: int, stderr: int, channel: socket.socket) -> None:
        try:
            self._executor.close()
            keeper.keep(launch, stdout, stderr, channel, self._myself)
        except OSError as error:
            channel.send(encode(Failed(str(error))))
        except BaseException:
            traceback.print_exc()  # to the executor's standard error; the run ends as lost
        os._exit(1)  # never back into the launcher's loop, whatever happened

    def _reap(self, watch: int) -> None:
        """Take note of a keeper's end; if somebody killed it, its run is now ours to kill."""
        self._poller.unregister(watch)
        pid, launch = self._keepers.pop(watch)
        os.close(watch)
        os.waitpid(pid, 0)
        left = launch.group and os.path.isdir(launch.group)  # its keeper would have removed it
        if left:
            Group(Path(launch.group)).kill()
        if os.getpid() != 1:  # in a namespace, the run died with its keeper
            process.end_children(keep={pid for pid, _ in self._keepers.values()})
        if left:
            Group(Path(launch.group)).remove()
        with contextlib.suppress(BrokenPipeError):  # the loop is about to see it gone
            self._executor.send(encode(Gone(launch.run_id)))


def main() -> int:
    """See the module. Ends when the executor does."""
    descriptor, executor_pid, runs, uid, namespaces, *readable = sys.argv[1:]
    syscalls.die_with_parent(signal.SIGKILL)
    if os.getppid() != int(executor_pid):
        return 1  # it ended before we asked to end with it
    os.chdir("/")
    syscalls.become_subreaper()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # it keeps one a run
    gc.disable()  # a collection in each forked process would touch, hence copy, all its memory
    with socket.socket(fileno=int(descriptor)) as executor:
        found = rights.find(Path(runs), int(uid), readable, namespaces == "1")
        if not found.namespaces and (first := _isolate()):
            executor.close()
            return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
        _serve(executor, found)
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


def _serve(executor: socket.socket, found: Rights) -> None:
    executor.send(encode(found))
    Launcher(executor, namespaces=not found.namespaces).serve()
    # We leave, and with that the keepers end their runs, or the kernel does, if we were process 1.


if __name__ == "__main__":
    sys.exit(main())
