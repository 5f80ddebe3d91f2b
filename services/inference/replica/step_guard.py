"""The guard of a step: starts its worker in an environment, kills it when asked, says how it ended.

A guard belongs to one replica or probe and ends with it. It takes a uid of its own, unpacks the
step's archive, and gives up all that it needs no more; what it starts has as little, can start
nothing itself, and never lives longer. Started as
`python -m services.inference.replica.step_guard <channel> <file> <order as JSON>`.
"""

import fcntl
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec

import libs.linux
from libs.archive.extract import extract
from libs.domain.errors import Rejected, Unavailable
from libs.linux import reach, syscalls
from libs.linux.process_title import show_as
from services.inference import plan, step_worker
from services.inference.replica import isolation
from services.inference.replica.step_process import KILL, MAX_WORDS_BYTES, START, WORDS

_BOOTSTRAP = Path(step_worker.__path__[0]) / "bootstrap.py"
_CONNECTION, _FILE, _FIRST_FREE = 3, 4, 10  # descriptors of a worker; 0 to 2 as everywhere
_END_SECONDS = 1.0  # that one which has hung up gets to end
_MAX_TAIL_BYTES = 4096  # of what it wrote to stderr, the last
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")


class Guard:
    """`channel` is the replica's; a worker may open what is `readable`."""

    def __init__(
        self, channel: socket.socket, file: int, order: plan.StepOrder, readable: list[Path]
    ) -> None:
        self._readable = readable
        self._channel = channel
        self._file = file
        self._order = order
        self._folder = Path(order.home) / "files"
        self._null = os.open(os.devnull, os.O_RDWR)
        self._problem = ""
        self._pid = self._stderr = 0
        self._kept: list[int] = []
        self._tail = b""
        self._words = ""

    def unpack(self) -> None:
        """What is wrong with the archive is said to whoever wants it to be started."""
        if not self._order.archive:
            return
        try:
            extract(Path(f"/proc/self/fd/{self._file}"), self._folder)
        except (Rejected, Unavailable, OSError) as problem:
            self._problem = getattr(problem, "message", "") or str(problem)

    def run(self) -> None:
        """Until the replica has gone."""
        while True:
            waiting = [self._channel.fileno(), *([self._stderr] if self._stderr else [])]
            ready, _, _ = select.select(waiting, [], [])
            if self._stderr in ready:
                self._read()
            if self._channel.fileno() in ready and not self._obey(self._channel.recv(1)):
                self._end(0)
                return

    def _obey(self, command: bytes) -> bool:
        match command:
            case b"":
                return False
            case x if x == START:
                self._end(0)
                self._answer(*self._start())
            case x if x == KILL:
                self._end(0)
            case x if x == WORDS:
                self._end(_END_SECONDS)
                self._answer(self._words, None)
        return True

    def _answer(self, words: str, connection: socket.socket | None) -> None:
        text = words.encode()[:MAX_WORDS_BYTES] or b"ok"
        descriptors = [connection.fileno()] if connection else []
        with suppress(OSError):  # it has gone: the next look says so
            socket.send_fds(self._channel, [text], descriptors)
        if connection:
            connection.close()

    def _start(self) -> tuple[str, socket.socket | None]:
        if self._problem:
            return self._problem, None
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become(theirs.fileno(), writing)
        theirs.close()
        os.close(writing)
        self._pid, self._stderr, self._tail = pid, reading, b""
        self._kept = isolation.opened(pid)
        return "", ours

    def _become(self, connection: int, stderr: int) -> None:
        try:
            os.setsid()
            syscalls.die_with_parent(signal.SIGKILL)
            isolation.before_program(self._readable)
            os.lseek(self._file, 0, os.SEEK_SET)
            far = [
                fcntl.fcntl(each, fcntl.F_DUPFD, _FIRST_FREE) for each in (connection, self._file)
            ]
            for target, source in enumerate((self._null, self._null, stderr, *far)):
                os.dup2(source, target)
            os.closerange(_FILE + 1, isolation.MAX_DESCRIPTORS)
            python = f"{self._order.environment}/bin/python"
            script = [str(_BOOTSTRAP), str(_CONNECTION), str(_FILE), str(self._folder)]
            os.execve(python, [python, "-I", "-S", "-B", *script], self._environment())  # noqa: S606
        except BaseException as error:
            with suppress(OSError):
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(127)

    def _environment(self) -> dict[str, str]:
        threads = str(self._order.threads)
        return {
            **{f"{name}_NUM_THREADS": threads for name in _THREADS},
            "LOKY_MAX_CPU_COUNT": threads,
            "JOBLIB_MULTIPROCESSING": "0",  # else it tries, and complains
            "PATH": "/usr/bin:/bin",
            "HOME": self._order.home,
            "LANG": "C.UTF-8",
        }

    def _read(self) -> None:
        data = os.read(self._stderr, 1 << 16)
        self._tail = (self._tail + data)[-_MAX_TAIL_BYTES:]
        if not data:
            os.close(self._stderr)
            self._stderr = 0

    def _end(self, patience: float) -> None:
        """The worker has ended when this returns; after so many seconds it is killed."""
        if not self._pid:
            return
        self._await(time.monotonic() + patience)
        for kill in (os.killpg, os.kill):  # it may not lead a group yet
            with suppress(ProcessLookupError):
                kill(self._pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        while self._stderr and select.select([self._stderr], [], [], 0)[0]:
            self._read()
        for each in (*self._kept, *([self._stderr] if self._stderr else [])):
            os.close(each)
        self._pid = self._stderr = 0
        self._words = _words(status, self._tail.decode(errors="replace"))

    def _await(self, deadline: float) -> None:
        watch = os.pidfd_open(self._pid)
        try:
            while (left := deadline - time.monotonic()) > 0:
                waiting = [watch, *([self._stderr] if self._stderr else [])]
                ready, _, _ = select.select(waiting, [], [], left)
                if watch in ready:
                    return
                if self._stderr in ready:
                    self._read()
        finally:
            os.close(watch)


def _words(status: int, tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    said = f": {lines[-1][:500]}" if lines else ""
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}{said}"
    return f"it ended with status {status}{said}"


def main(channel: socket.socket, file: int, order: plan.StepOrder) -> None:
    """Returns when the replica has gone."""
    os.setsid()
    for each in (channel.fileno(), file):
        os.set_inheritable(each, False)
    show_as([f"rondo step {order.name}"])
    paths = [
        *(Path(each) for each in (order.environment, sys.base_prefix)),
        *(Path(each) for each in (*step_worker.__path__, *libs.linux.__path__)),
        Path(order.home),
    ]
    guard = Guard(channel, file, order, paths)
    isolation.confine_guard(_own_uid(order, paths), order.memory, paths, guard.unpack)
    guard.run()


def _own_uid(order: plan.StepOrder, paths: list[Path]) -> int | None:
    """None where that uid could not read what it needs, and nobody may help it to."""
    if order.uid is None:
        return None
    try:
        reach.make_reachable(paths, order.uid, order.uid)
    except OSError:
        return None
    os.chown(order.home, order.uid, order.uid)
    return order.uid


if __name__ == "__main__":
    main(
        socket.socket(fileno=int(sys.argv[1])),
        int(sys.argv[2]),
        msgspec.json.decode(sys.argv[3], type=plan.StepOrder),
    )
