"""Tries things in a process of its own, which ends with the trial."""

import os
import select
import signal
from collections.abc import Callable

_DONE = b"\0"
_DETAIL = 1000  # bytes


def refusal(
    attempt: Callable[[], object], fork: Callable[[], int] = os.fork, timeout: float | None = None
) -> str:
    """What `attempt` raised, empty if it did its work.

    After `timeout` seconds it is ended by force."""
    answer, ours = os.pipe()
    if (pid := fork()) == 0:
        _try(attempt, ours)
    os.close(ours)
    with os.fdopen(answer, "rb") as reader:
        ready, _, _ = select.select([reader], [], [], timeout)
        answered = os.read(answer, _DETAIL) if ready else b"it takes too long"
    if not ready:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "" if answered == _DONE else answered.decode(errors="replace") or "it ends the process"


def _try(attempt: Callable[[], object], answer: int) -> None:
    try:
        attempt()
    except BaseException as error:
        os.write(answer, (str(error) or type(error).__name__).encode()[:_DETAIL])
    else:
        os.write(answer, _DONE)
    os._exit(0)
