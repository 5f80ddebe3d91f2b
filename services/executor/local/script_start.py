"""When a new interpreter comes to its script: the time of a run counts from there.

An interpreter that starts reads hundreds of files first, which takes seconds where a machine has
much to do. Until then it has open what interpreter_start.py gave it; it begins by closing that.
"""

import contextlib
from collections.abc import Callable
from functools import partial

from libs.linux.proc import opened
from services.executor.local.child.interpreter_start import MEMORY

_CHECK_SECONDS = 0.02
_MAX_CHECKS = 3000  # a minute of them; a script may keep a file of that name

Later = Callable[[float, Callable[[], object]], object]


def when_script_starts(
    pid: int, later: Later, then: Callable[[], object], checks: int = _MAX_CHECKS
) -> None:
    """Has `then` called once the process `pid` is at its script; `later` calls after seconds."""
    if checks and _is_starting(pid):
        later(_CHECK_SECONDS, partial(when_script_starts, pid, later, then, checks - 1))
    else:
        then()


def _is_starting(pid: int) -> bool:
    """False also where we may not look, and for a fork, which is at its script at once."""
    with contextlib.suppress(OSError):
        return any(what == f"/memfd:{MEMORY} (deleted)" for _, what in opened(pid))
    return False
