"""What proc(5) tells of a process: whether it lives, since when, what it does and has open."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Of the fields of `stat` behind the name, which may have anything in it but a last bracket.
_STATE, _PARENT, _USER_TICKS, _SYSTEM_TICKS, _STARTED = 0, 1, 11, 12, 19


def lives(pid: int) -> bool:
    """Whether it runs. A zombie does not: it has ended, and only its parent has not looked yet."""
    try:
        return _stat(f"/proc/{pid}")[_STATE] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped it, as SIGSTOP does; False when it is gone."""
    try:
        return _stat(f"/proc/{pid}")[_STATE] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parent(pid: int) -> int:
    """The pid of its parent; 0 when it is gone, or has none that we can see."""
    try:
        return int(_stat(f"/proc/{pid}")[_PARENT])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def started(pid: int) -> int:
    """When it started, in ticks since the machine's start: with the pid, it names one process for
    good. Raises OSError where there is none."""
    return int(_stat(f"/proc/{pid}")[_STARTED])


def scheduled(pid: int) -> tuple[str, float] | None:
    """The state of its main thread, a letter as in proc(5), and the seconds of CPU that it has had;
    None when it is gone."""
    try:
        fields = _stat(f"/proc/{pid}/task/{pid}")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[_STATE], _ticks(fields) / os.sysconf("SC_CLK_TCK")


def worked(pid: int) -> tuple[int, int]:
    """Bytes that it has written, and ticks of CPU; 0 where that can't be read."""
    written = ticks = 0
    with suppress(OSError):
        counted = Path(f"/proc/{pid}/io").read_text()
        written = int(counted.partition("wchar: ")[2].partition("\n")[0])
    with suppress(OSError):
        ticks = _ticks(_stat(f"/proc/{pid}"))
    return written, ticks


def resident(pid: int) -> int:
    """Bytes of memory that it has now; 0 once it has ended."""
    with suppress(OSError, IndexError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def cpu_seconds(pid: int) -> float:
    """That it has used so far; 0 once it has ended."""
    with suppress(OSError, IndexError):
        return _ticks(_stat(f"/proc/{pid}")) / os.sysconf("SC_CLK_TCK")
    return 0.0


def works_in(pid: int, folder: Path) -> bool:
    """Whether the current directory of `pid` is `folder`, as far as we may look."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False


def opened(pid: int) -> Iterator[tuple[int, str]]:
    """Its descriptors, each with what it is: a path, or `socket:[4711]`.

    Raises OSError when it has ended, or is not ours to look at.
    """
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            what = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:  # closed meanwhile, or nothing that is shown to us
            continue
        yield int(name), what


def holds(pid: int, descriptor: int) -> bool:
    """Whether `pid` lives and has the file of our `descriptor` open; so it seems, too, where we may
    not look, since it is another user's."""
    if not lives(pid):
        return False
    ours = os.fstat(descriptor)
    try:
        for theirs, _ in opened(pid):
            with suppress(OSError):  # closed meanwhile
                if os.path.samestat(os.stat(f"/proc/{pid}/fd/{theirs}"), ours):
                    return True
    except PermissionError:
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False
    return False


def _stat(folder: str) -> list[str]:
    text = Path(folder, "stat").read_bytes()
    return text.rpartition(b") ")[2].decode().split()


def _ticks(fields: list[str]) -> int:
    return int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
