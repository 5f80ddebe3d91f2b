"""Forks a shim for each run and reaps it: what a launcher and a zygote have in common.

Gets a Prepare with its descriptors (control, and where the Launch will come), and says Gone when
nothing of it is left.
"""

import contextlib
import os
import select
import signal
import socket
import traceback
from pathlib import Path

from libs.linux import namespace, process
from libs.linux.cgroup import Group
from services.executor.local.child import process_setup, shim
from services.executor.local.protocol import (
    MAX_MESSAGE_BYTES,
    Failed,
    Gone,
    Preload,
    Prepare,
    encode,
    fork_loop_decoder,
)


class UnwindToRun(BaseException):
    """Leads the main process of a run out of everything that it was forked in."""


class ForkLoop:
    """Serves one executor until it is gone."""

    become: shim.Become = staticmethod(process_setup.become)

    def __init__(self, executor: socket.socket, namespaces: bool) -> None:
        self.executor = executor
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # as it is in all that is forked from here
        self._fork = namespace.fork_in_pid_namespace if namespaces else os.fork
        self._myself = os.pidfd_open(os.getpid())  # for the shims: readable when we are gone
        self._shims: dict[int, tuple[int, Prepare]] = {}  # by pidfd, with the pid
        self.poller = select.poll()
        self.poller.register(executor, select.POLLIN)

    def serve(self) -> None:
        """Start and reap until the executor closes its end, or is given up."""
        while True:
            ready = self.poller.poll()
            if self.forsaken():
                return
            for source, _ in ready:
                if source in self._shims:
                    self._reap(source)
                elif source == self.executor.fileno() and not self._start():
                    return

    def forsaken(self) -> bool:
        """Whether the executor is there but has not been going on for too long."""
        return False

    def end_all(self) -> None:
        """Returns when nothing lives that was forked from here, however deep."""
        groups = [
            Group(Path(prepare.group)) for _, prepare in self._shims.values() if prepare.group
        ]
        for group in groups:
            group.kill()
        if os.getpid() == 1:
            process.end_namespace()
        else:
            process.end_children()
        for group in groups:
            group.remove()

    def preload(self, order: Preload) -> None:
        """Only a zygote can."""
        raise TypeError(f"a launcher imports nothing: {order}")

    def _start(self) -> bool:
        try:
            message, descriptors, _, _ = socket.recv_fds(self.executor, MAX_MESSAGE_BYTES, 2)
        except ConnectionResetError:  # it is gone and left something of ours unread
            return False
        if not message:
            return False
        for each in descriptors:  # recv_fds drops the flag for it; no run may get the control
            os.set_inheritable(each, False)
        order = fork_loop_decoder.decode(message)
        if isinstance(order, Prepare):
            control, orders = (socket.socket(fileno=each) for each in descriptors)
            with control, orders:
                self._prepare(order, control, orders)
        else:
            self.preload(order)
        return True

    def _prepare(self, prepare: Prepare, control: socket.socket, orders: socket.socket) -> None:
        try:
            if (pid := self._fork()) == 0:
                self._be_shim(prepare, control, orders)
        except OSError as error:  # too many processes; the other runs go on
            control.send(encode(Failed(str(error))))
            self.executor.send(encode(Gone(prepare.name)))
            return
        watch = os.pidfd_open(pid)
        self._shims[watch] = pid, prepare
        self.poller.register(watch, select.POLLIN)

    def _be_shim(self, prepare: Prepare, control: socket.socket, orders: socket.socket) -> None:
        try:
            self.executor.close()
            shim.keep(prepare, control, orders, self._myself, self.become)
        except UnwindToRun:
            raise
        except OSError as error:
            control.send(encode(Failed(str(error))))
        except BaseException:
            traceback.print_exc()  # to the executor's standard error; the run ends as lost
        os._exit(1)  # never back into the loop, whatever else happened

    def _reap(self, watch: int) -> None:
        """Take note of a shim's end; if somebody killed it, its run is now ours to kill."""
        self.poller.unregister(watch)
        pid, prepare = self._shims.pop(watch)
        os.close(watch)
        _, status = os.waitpid(pid, 0)
        # A shim that has done its work has removed the group. One that is there by now may be that
        # of the same run, prepared once more.
        left = status and prepare.group and os.path.isdir(prepare.group)
        if left:
            Group(Path(prepare.group)).kill()
        if os.getpid() != 1:  # in a namespace, the run died with its shim
            process.end_children(keep={pid for pid, _ in self._shims.values()})
        if left:
            Group(Path(prepare.group)).remove()
        with contextlib.suppress(BrokenPipeError):  # the loop is about to see it gone
            self.executor.send(encode(Gone(prepare.name)))
