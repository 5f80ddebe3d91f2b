"""A replica's side of a step that runs in an environment of its own: its worker, by way of a guard.

A replica can neither start nor kill a process, so it asks the guard (step_guard.py). Whoever has
gone wants no answer: their worker is killed, for nothing else ends a step that never returns, and
another one is started.
"""

import socket
import threading
from collections.abc import Mapping
from typing import Any

from services.inference.engine.errors import BadModel, Cancelled, Refused
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array
from services.inference.step_worker import frames

START, KILL, WORDS = b"s", b"k", b"w"  # what a guard is asked
MAX_WORDS_BYTES = 1 << 16
_MAX_TEXT_LENGTH, _MAX_WARNINGS = 2500, 10
_NONSENSE = (OSError, ValueError, TypeError, LookupError, RecursionError)


class StepProcess:
    """Any number of threads may run it; they wait for one another. `guard` is a connection."""

    def __init__(self, guard: socket.socket) -> None:
        self._guard = guard
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._what: Mapping[str, Any] = {}

    def load(self, what: Mapping[str, Any]) -> list[str]:
        """What its libraries had to say. BadModel says why it can't be loaded."""
        with self._lock:
            self._what = what
            return self._start()

    def run(self, arrays: Mapping[str, Array], cancel: Cancel | None) -> dict[str, Array]:
        """What the step gives, by name. Refused(500), or Cancelled."""
        with self._lock:
            if cancel is not None and cancel.requested:
                raise Cancelled
            if self._connection is None:
                self._restart()
            answer, killed = self._exchange(arrays, cancel)
            if answer is not None and not killed:
                head, outputs = answer
                if "error" in head:
                    raise Refused(500, f"the step failed: {_text(head['error'])}")
                return outputs
            self._hang_up()
            if killed:
                self._restart()  # nobody waits for this thread
                raise Cancelled
            raise Refused(500, f"the step's process is gone: {self._words()}; another one comes")

    def close(self) -> None:
        """The guard, and with it the worker, ends."""
        self._hang_up()
        self._guard.close()

    def _exchange(
        self, arrays: Mapping[str, Array], cancel: Cancel | None
    ) -> tuple[frames.Message | None, bool]:
        """None for no answer, or none that can be read; and whether the worker was killed."""
        assert self._connection is not None  # noqa: S101 - for mypy: run has seen to it
        stop = _Stop(self._guard)
        answer = None
        try:
            if cancel is not None:
                cancel.watch(stop)
            frames.send(self._connection, {}, arrays)
            answer = frames.receive(self._connection)
        except _NONSENSE:
            pass
        except BaseException:  # too large an answer, say: the rest of it would still come
            self._hang_up()
            raise
        finally:
            killed = stop.over()
        return answer, killed

    def _restart(self) -> None:
        try:
            self._start()
        except BadModel as problem:
            raise Refused(500, f"the step can't be started again: {problem}") from problem

    def _start(self) -> list[str]:
        self._hang_up()
        self._guard.sendall(START)
        words, descriptors, _, _ = socket.recv_fds(self._guard, MAX_WORDS_BYTES, 1)
        if not descriptors:
            raise BadModel(words.decode(errors="replace") or "its guard has ended")
        connection = self._connection = socket.socket(fileno=descriptors[0])
        try:
            frames.send(connection, self._what, {})
            answer = frames.receive(connection)
        except _NONSENSE:
            answer = None
        if answer is None:
            self._hang_up()
            raise BadModel(f"it can't be loaded: {self._words()}")
        if "error" in answer[0]:
            self._hang_up()
            raise BadModel(_text(answer[0]["error"]))
        warnings = answer[0].get("warnings")
        return [_text(each) for each in warnings[:_MAX_WARNINGS]] if warnings else []

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _words(self) -> str:
        """How the worker ended."""
        self._guard.sendall(WORDS)
        return self._guard.recv(MAX_WORDS_BYTES).decode(errors="replace") or "its guard has ended"


def _text(said: object) -> str:
    """Of what a worker says, as much as people read."""
    return str(said)[:_MAX_TEXT_LENGTH]


class _Stop:
    """For one exchange: `terminate` is set when it is to end, perhaps after it is over."""

    def __init__(self, guard: socket.socket) -> None:
        self._guard = guard
        self._lock = threading.Lock()
        self._over = self._killed = False

    @property
    def terminate(self) -> bool:
        """Whether the worker was killed."""
        return self._killed

    @terminate.setter
    def terminate(self, value: bool) -> None:
        with self._lock:
            if value and not self._over and not self._killed:
                self._killed = True
                self._guard.sendall(KILL)

    def over(self) -> bool:
        """From now on nothing is killed; whether it was."""
        with self._lock:
            self._over = True
            return self._killed
