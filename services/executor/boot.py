"""When a new interpreter comes to its script: the time of a run counts from there.

An interpreter that starts reads hundreds of files first, which takes seconds where a machine has
much to do. Until then it has open what startup.py gave it, and its first act is to close that.
"""

import contextlib
import os
from collections.abc import Callable
from functools import partial

from services.executor.startup import MEMORY

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
    folder, links = f"/proc/{pid}/fd", set()
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # others close at its exec
                links.add(os.readlink(f"{folder}/{name}"))
    return f"/memfd:{MEMORY} (deleted)" in links
