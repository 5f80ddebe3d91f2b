"""How the main process of a run is asked to end: by the signal that it understands.

Who handles SIGTERM, or ignores it, gets SIGTERM. A Python script that does neither would end by it
at once, its `finally`, `with` and atexit left out. So such a script gets another signal: one
without a name, whose handler is ours and ends the main thread by SystemExit. SIGTERM's default
stays what it was, for the script, for who asks what it is, and for the processes that it forks.

A fork is given the handler, a new interpreter gets it from a module that it imports at its start
(startup.py). Where neither has come about, as in an interpreter that a script has made of itself by
exec, SIGINT does nearly the same, but prints a traceback.
"""

import signal
from pathlib import Path
from types import FrameType
from typing import NoReturn

SIGNAL = 60  # a real-time signal that neither the C library nor Python has a name for
STATUS = 128 + signal.SIGTERM  # what shells make of it


def listen() -> None:
    """The calling process is one that can be asked."""
    signal.signal(SIGNAL, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(STATUS)


def signal_for(pidfd: int) -> int:
    """What to send to the process behind it; SIGTERM where /proc does not tell."""
    try:
        # Its pid by the /proc that we see, which may be that of another namespace than ours.
        pid = _field(Path(f"/proc/self/fdinfo/{pidfd}"), "Pid")
        status = Path(f"/proc/{int(pid)}/status")
        caught, ignored = (int(_field(status, name), 16) for name in ("SigCgt", "SigIgn"))
    except (OSError, ValueError):
        return signal.SIGTERM
    return chosen(caught, ignored)


def chosen(caught: int, ignored: int) -> int:
    """By the masks of proc_pid_status(5)."""
    if not (caught | ignored) & _bit(signal.SIGTERM):
        for number in (SIGNAL, signal.SIGINT):
            if caught & _bit(number):
                return number
    return signal.SIGTERM


def _bit(number: int) -> int:
    return 1 << (number - 1)


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise ValueError(f"{path} has no {name}")
