"""How the main process of a run is asked to end: by the signal that it understands.

Who handles SIGTERM, ignores or blocks it, gets SIGTERM. A Python script that does none of these
would end by it at once, its `finally`, `with` and atexit left out. So such a script gets another
signal: one without a name, whose handler is ours and ends the main thread by SystemExit. SIGTERM's
default stays what it was, for the script, for who asks what it is, and for the processes that it
forks.

A fork is given the handler, a new interpreter gets it from a module that it imports at its start
(interpreter_start.py). Where neither has come about, as in an interpreter that a script has made of
itself by exec, SIGINT does nearly the same, but prints a traceback.
"""

import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

SIGNAL = 60  # a real-time signal that neither the C library nor Python has a name for
STATUS = 128 + signal.SIGTERM  # what shells make of it
ASKED = "asked_to_end"  # by what it is known in tracebacks


def listen() -> None:
    """The calling process is one that can be asked."""
    signal.signal(SIGNAL, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(STATUS)


# Tracebacks have it as their last line: it says what it means, and has no path of ours.
_end.__code__ = _end.__code__.replace(co_filename="<rondo>", co_name=ASKED, co_qualname=ASKED)


def signal_for(pidfd: int) -> int:
    """What to send to the process behind it; SIGTERM where /proc does not tell."""
    try:
        # Its pid by the /proc that we see, which may be that of another namespace than ours.
        pid = _fields(Path(f"/proc/self/fdinfo/{pidfd}"))["Pid"]
        return chosen(_fields(Path(f"/proc/{int(pid)}/status")))
    except (OSError, ValueError, KeyError):
        return signal.SIGTERM


def chosen(status: Mapping[str, str]) -> int:
    """By the fields of proc_pid_status(5). Of other programs some catch SIGINT, to go on."""
    caught, ignored, blocked = (int(status[name], 16) for name in ("SigCgt", "SigIgn", "SigBlk"))
    if (caught | ignored | blocked) & _bit(signal.SIGTERM):
        return signal.SIGTERM
    if caught & _bit(SIGNAL):
        return SIGNAL
    is_python = status["Name"].startswith("python")
    return signal.SIGINT if is_python and caught & _bit(signal.SIGINT) else signal.SIGTERM


def _bit(number: int) -> int:
    return 1 << (number - 1)


def _fields(path: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in path.read_text(errors="replace").splitlines())
    return {name: value.strip() for name, _, value in lines}
