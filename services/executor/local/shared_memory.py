"""What a run has in shared memory: files in /dev/shm, which lie in memory and on no disk."""

import asyncio
import contextlib
import os
import stat
from collections.abc import Iterator

_FOLDER = "/dev/shm"  # noqa: S108 - looked at, not written to
_BLOCK = 512


class Shared:
    """That of one run, which has a view of its own or a uid of its own, or else none."""

    def __init__(self, own_view: bool) -> None:
        self._own_view = own_view
        self.uid: int | None = None

    def size(self, pid: int) -> int:
        """Bytes, seen through the run's main process; 0 when that has ended."""
        if not self._own_view:
            files = [] if self.uid is None else _files(self.uid)
            return sum(status.st_blocks * _BLOCK for _, status in files)
        with contextlib.suppress(OSError):
            found = os.statvfs(f"/proc/{pid}/root{_FOLDER}")
            return (found.f_blocks - found.f_bfree) * found.f_frsize
        return 0

    async def clear(self) -> None:
        """No process of the run lives: what it has left in the machine's is taken away."""
        if self.uid is not None and not self._own_view:
            await asyncio.to_thread(_clear, self.uid)


def _clear(uid: int) -> None:
    for path, status in _files(uid):
        with contextlib.suppress(OSError):  # a folder with something of another's in it
            (os.rmdir if stat.S_ISDIR(status.st_mode) else os.unlink)(path)


def _files(uid: int, folder: str = _FOLDER) -> Iterator[tuple[str, os.stat_result]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if status.st_uid != uid:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(uid, entry.path)
                yield entry.path, status
