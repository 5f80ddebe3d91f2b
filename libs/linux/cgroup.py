"""A control group (version 2) for a tree of processes: bound together, killed together.

Needs a writable cgroup directory: root's, or one that systemd delegated. Memory and process bounds
hold only where those controllers are enabled for it; killing works in any.
"""

import contextlib
import errno
import os
import time
from pathlib import Path

_LEAVING = 1.0  # seconds that a reaped process may take to be gone


def own() -> Path | None:
    """The directory of our own version-2 group; None where that hierarchy is not mounted."""
    mounted = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    # The fields after the lone dash are: file system type, source, options; see proc(5).
    points = [fields[4] for fields in mounted if fields[fields.index("-") + 1] == "cgroup2"]
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::") and points:
            return Path(points[0] + line.removeprefix("0::")).resolve()
    return None


class Group:
    """One group directory, made on entry. Raises OSError where we may not make it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(exist_ok=True)

    def bound(self, memory: int, processes: int) -> None:
        """Limit the whole group: bytes of memory (no swap), number of processes and threads."""
        limits = {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes}
        for name, value in limits.items():
            with contextlib.suppress(OSError):  # its controller is not enabled here
                self._write(name, str(value))

    def bounds_memory(self) -> bool:
        """Whether the memory controller is enabled for it."""
        return (self._path / "memory.max").exists()

    def join(self) -> None:
        """Move the calling process in, and with it all that it forks from now on."""
        self._write("cgroup.procs", "0")

    def kill(self) -> None:
        """SIGKILL to every member at once; the kernel lets no fork slip through."""
        self._write("cgroup.kill", "1")

    def oom_kills(self) -> int:
        """How many members the kernel killed for want of memory; 0 without that controller."""
        with contextlib.suppress(FileNotFoundError):
            events = (self._path / "memory.events").read_text().split()
            return int(events[events.index("oom_kill") + 1])
        return 0

    def remove(self) -> None:
        """Take the directory away; its last process must have been reaped.

        Newer kernels count a process until it has left its processor for good, and tell nobody
        when that is: a moment later. Raises OSError if it stays in use.
        """
        patience = time.monotonic() + _LEAVING
        with contextlib.suppress(FileNotFoundError):
            while True:
                try:
                    return self._path.rmdir()
                except OSError as error:
                    if error.errno != errno.EBUSY or time.monotonic() > patience:
                        raise
                time.sleep(0.001)

    def _write(self, name: str, value: str) -> None:
        # Not write_text: that would create a missing file on a file system that allows it.
        file = os.open(self._path / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, value.encode())
        finally:
            os.close(file)
