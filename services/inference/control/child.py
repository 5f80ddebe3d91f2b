"""A process that was forked for us from the spare: our child, though we did not fork it."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from libs.domain.values import ReplicaEnd
from libs.linux import proc
from services.inference import plan
from services.inference.control.step_guards import StepGuard

_CHUNK = 1 << 16
_LAST_SECONDS = 5.0


class Child:
    """`channel` is our end of its control socket, not blocking. `reason` is why it has ended, or is
    about to; `words` say the same for people. `killed` says that it is to end by us."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.reason: ReplicaEnd = "crashed"
        self.words = ""
        self.status: int | None = None
        self.killed = False
        self._then: list[Callable[[], object]] = []
        self._guards: Sequence[StepGuard] = ()
        self._channel = channel
        self._handle = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._handle, self._reap)

    async def ask(self, message: "plan.Plan | plan.Upload") -> bytes:
        """Its one answer, empty if it has ended without, or is ended for one that is too long.
        Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._channel, plan.frame(message))
        got = b""
        while part := await loop.sock_recv(self._channel, _CHUNK):
            got += part
            try:
                answer = plan.unframe(got)
            except ValueError as problem:
                self.kill("start_failed", f"its process gave {problem}")
                break
            if answer is not None:
                return answer
        return b""

    async def wait(self) -> int:
        """Its exit status, or the negative number of the signal that ended it."""
        await self._ended.wait()
        assert self.status is not None  # noqa: S101 - for mypy: _reap sets both
        return self.status

    async def over(self) -> None:
        """Returns when it has ended, after it has hung up; one that then goes on is killed."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.wait()
        except TimeoutError:
            self.kill("crashed", "its process hung up and went on")
            await self.wait()

    def then(self, what: Callable[[], object]) -> None:
        """Call it once the process has ended."""
        self._then.append(what)

    def kill(self, reason: ReplicaEnd, words: str) -> None:
        """It ends at once; the first reason counts."""
        if self.status is None and not self.killed:
            self.reason, self.words, self.killed = reason, words, True
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def resident(self) -> int:
        """Bytes of memory that it has now, with its steps; 0 once it has ended."""
        return proc.resident(self.pid) + sum(each.resident() for each in self._guards)

    def cpu_seconds(self) -> float:
        """That it has used so far, with its steps; 0 once it has ended."""
        return proc.cpu_seconds(self.pid) + sum(each.cpu_seconds() for each in self._guards)

    def guarded(self, guards: Sequence[StepGuard]) -> None:
        """Its steps end with it, and it with one of them: it can't go on without."""
        self._guards = guards
        for each in guards:
            self.then(each.end)
            task = asyncio.create_task(self._outlived(each))
            self.then(task.cancel)

    async def _outlived(self, guard: StepGuard) -> None:
        await guard.wait()
        self.kill("crashed", "the guard of one of its steps has ended")

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self._channel.close()
        try:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:  # somebody else has waited for it
            self.status = 255
        self.words = self.words or _words(self.status)
        for what in self._then:
            what()
        self._ended.set()


def _words(status: int) -> str:
    if status == -signal.SIGKILL:
        return "its process was ended by SIGKILL: by somebody, or for want of memory"
    if status < 0:
        return (
            f"its process was ended by {signal.Signals(-status).name}: the runtime, or code that"
            " the model brings, has crashed; run it on your side to see where"
        )
    return f"its process ended with status {status}"
