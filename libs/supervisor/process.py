"""One supervised child process: started, known to be ready, restarted when it ends, stopped.

Each child leads its own session, so a Ctrl-C in the terminal reaches the supervisor alone, and is
sent its stop signal by the kernel when the supervisor dies. The kernel watches the thread that
forked, hence all of this belongs on the main thread.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from libs.domain.errors import Unavailable
from libs.supervisor.guard import Guard
from libs.supervisor.logfile import LogFile
from libs.supervisor.terminal import Terminal
from libs.supervisor.zygote import Forked, Zygote
from libs.supervisor.zygote_process import Order, listening_on

_LAST_LINES = 20  # of a log, shown
_HEEDS = 5.0  # seconds until a child that is to be started again is ended by force
_FIRST_READY = 60.0  # seconds until a first start is given up
_BACKOFF, _MAX_BACKOFF, _HEALTHY = 0.1, 10.0, 30.0  # seconds


class StartFailed(Exception):
    """A child didn't come up at the first start; the message has its last log lines."""


@dataclass(frozen=True)
class User:
    """Whom a child runs as, instead of us; `paths` are what it must be able to reach.

    In name only: it believes to be that user, but has our rights and no others.
    """

    uid: int
    gid: int
    paths: tuple[Path, ...] = ()
    in_name_only: bool = False


@dataclass(frozen=True)
class Program:
    """What to run and how to stop it. `force` is sent when `stop` was not heeded in time.

    `module` is what `command` gives to `python -m`, if a zygote may fork it instead. `prepare` is
    called before each start. `listeners` are sockets that the program is given, which stay open
    here while it is away; it finds their numbers in RONDO_LISTEN_FDS.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    environment: dict[str, str] = field(repr=False)
    stop: signal.Signals = signal.SIGTERM
    force: signal.Signals = signal.SIGKILL
    user: User | None = None
    module: str | None = None
    prepare: Callable[[], None] = field(default=lambda: None)
    listeners: Sequence[socket.socket] = ()


class Child(Protocol):
    """A process that we wait for: asyncio's, or one that was forked for us."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...


def launched(command: Sequence[str], stop: signal.Signals, user: User | None) -> list[str]:
    """The command line that runs `command` as `user` and sends it `stop` when we die."""
    launcher = [sys.executable, "-P", "-m", "libs.linux.reach"]
    launcher += ["--die-with-parent", stop.name, "--parent", str(os.getpid())]
    if user:
        launcher += ["--user", str(user.uid), "--group", str(user.gid)]
        launcher += ["--in-name-only"] if user.in_name_only else []
        launcher += [word for path in user.paths for word in ("--path", str(path))]
    return [*launcher, "--", *command]


Ready = Callable[[int, float], Awaitable[None]]
"""Returns when the child with this pid, started at this time (of time.time()), is ready."""


class Process:
    """A running `program`; its children keep the descriptor `lock`; `guard` watches them."""

    def __init__(
        self,
        program: Program,
        ready: Ready,
        terminal: Terminal,
        lock: int,
        guard: Guard,
        zygote: Zygote | None = None,
    ) -> None:
        self.program = program
        self.log = LogFile(program.log)
        self._ready = ready
        self._terminal = terminal
        self._lock = lock
        self._guard = guard
        self._zygote = zygote
        self._child: Child | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._since = 0.0

    async def start(self) -> None:
        """Returns when the child is ready; from then on it is restarted whenever it ends.

        Raises StartFailed if it ends instead, or isn't ready in time.
        """
        began = time.monotonic()
        child = await self._spawn()
        if not await self._becomes_ready(child, _FIRST_READY):
            how = "is not ready" if child.returncode is None else described(child.returncode)
            took = time.monotonic() - began
            raise StartFailed(
                f"{self.program.name} {how} after {took:.1f} s{_indented(self.log.last())}"
            )
        self._terminal.say(self.program.name, f"ready in {time.monotonic() - began:.2f} s")
        self._keeper = asyncio.create_task(self._keep(child))

    async def stop(self, within: float) -> None:
        """End the child for good; by force when it has not ended `within` seconds."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self._end((self.program.stop, within), (self.program.force, 0.3))

    async def end(self, sig: signal.Signals, why: str) -> None:
        """End the child by `sig`, or by force: it is started again. `why` is for the operator."""
        self._terminal.warn(self.program.name, why)
        await self._end((sig, _HEEDS))

    @property
    def pid(self) -> int | None:
        """Of the child, if there is one."""
        child = self._child
        return child.pid if child and child.returncode is None else None

    async def _end(self, *steps: tuple[signal.Signals, float]) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        for sig, patience in (*steps, (signal.SIGKILL, None)):
            _signal_session(child.pid, sig, whole=sig == signal.SIGKILL)
            _signal_session(child.pid, signal.SIGCONT, whole=False)  # it may have been stopped
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await child.wait()
                return
            self._terminal.warn(self.program.name, f"did not heed {sig.name}")

    async def _keep(self, child: Child) -> None:
        name, delay = self.program.name, _BACKOFF
        while True:
            began = time.monotonic()
            end = described(await child.wait())
            delay = _BACKOFF if time.monotonic() - began > _HEALTHY else delay
            self._terminal.warn(name, f"{end}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(2 * delay, _MAX_BACKOFF)
            try:
                child = await self._spawn()
            except OSError as error:  # no memory, no disk for its log: both may pass
                self._terminal.warn(name, f"can't be started: {error.strerror}")
                continue
            if await self._becomes_ready(child, None):
                self._terminal.say(name, "ready again")

    async def _spawn(self) -> Child:
        self.program.prepare()
        with self.log.open() as log:
            self._since = time.time()
            self._child = await self._forked(log) or await self._executed(log)
        self._guard.watch(self._child.pid)
        return self._child

    async def _forked(self, log: IO[bytes]) -> Forked | None:
        program = self.program
        if program.module is None or self._zygote is None:
            return None
        order = Order(
            program.module,
            str(program.folder),
            program.environment,
            parent=os.getpid(),
            stop=program.stop,
        )
        listeners = [each.fileno() for each in program.listeners]
        try:
            return await self._zygote.fork(order, log.fileno(), self._lock, *listeners)
        except Unavailable:  # which it has said itself
            return None

    async def _executed(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        program = self.program
        listeners = [each.fileno() for each in program.listeners]
        return await asyncio.create_subprocess_exec(
            *launched(program.command, program.stop, program.user),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.folder,
            env=program.environment | listening_on(listeners),
            start_new_session=True,
            pass_fds=(self._lock, *listeners),
        )

    async def _becomes_ready(self, child: Child, timeout: float | None) -> bool:
        """Whether it became ready rather than ending or using up `timeout` seconds."""
        ready = asyncio.ensure_future(self._ready(child.pid, self._since))
        ended = asyncio.ensure_future(child.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=timeout, return_when="FIRST_COMPLETED")
            return ready.done() and child.returncode is None
        finally:
            ready.cancel()
            ended.cancel()


async def complete(program: Program, stdin: bytes = b"") -> None:
    """Run `program` to its end, feeding it `stdin`. Raises StartFailed with its last lines."""
    child = await asyncio.create_subprocess_exec(
        *launched(program.command, program.stop, program.user),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=program.folder,
        env=program.environment,
        start_new_session=True,
    )
    try:
        output, _ = await child.communicate(stdin)
    except asyncio.CancelledError:
        _signal_session(child.pid, signal.SIGKILL, whole=True)
        await child.wait()
        raise
    if child.returncode:
        lines = output.decode(errors="replace").splitlines()
        raise StartFailed(f"{program.name} {described(child.returncode)}{_indented(lines)}")


def _indented(lines: list[str]) -> str:
    return "".join(f"\n    {line}" for line in lines[-_LAST_LINES:])


def described(returncode: int) -> str:
    """How a process ended, for people: `ended with status 1`, `was ended by SIGKILL`."""
    if returncode >= 0:
        return f"ended with status {returncode}"
    return f"was ended by {signal.Signals(-returncode).name}"


def _signal_session(pid: int, sig: signal.Signals, *, whole: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if whole else os.kill)(pid, sig)
