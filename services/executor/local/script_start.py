"""When a new interpreter comes to its script: the time of a run counts from there.

An interpreter that starts reads hundreds of files first, which takes seconds where a machine has
much to do. Until then it has open what startup.py gave it, and its first act is to close that.
"""

import contextlib
from collections.abc import Callable
from functools import partial

from libs.linux.proc import opened
from services.executor.local.child.interpreter_start import MEMORY

_EVERY = 0.02  # seconds
_MOST = 3000  # looks, a minute of them; a script may keep a file of that name

Later = Callable[[float, Callable[[], object]], object]


def when_begun(pid: int, later: Later, then: Callable[[], object], looks: int = _MOST) -> None:
    """Has `then` called once the process `pid` is at its script; `later` calls after seconds."""
    if looks and _is_starting(pid):
        later(_EVERY, partial(when_begun, pid, later, then, looks - 1))
    else:
        then()


def _is_starting(pid: int) -> bool:
    """False also where we may not look, and for a fork, which is at its script at once."""
    with contextlib.suppress(OSError):
        return any(what == f"/memfd:{MEMORY} (deleted)" for _, what in opened(pid))
    return False
