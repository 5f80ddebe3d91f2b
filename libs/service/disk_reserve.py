"""What is kept free, for the event log, of the disk that it shares with us.

A full disk stops everything, so what can wait or be refused stops before: uploads are refused,
builds wait, programs that print wait. The reserve is for the log, and with it for commands and for
the runs that go on.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from libs.domain.errors import Rejected
from libs.service.config import Config

_SHARE = 10  # the reserve is at most one of so many parts of the disk
_LAST = 8  # when one of so many parts of the reserve is left, nothing new begins
_FILES = 100  # that may yet be made; with less a disk counts as full
_FRESH = 0.1  # seconds


class DiskReserve:
    """`folder` is anywhere on that disk; without one the log has a disk of its own."""

    def __init__(
        self,
        folder: Path | None,
        reserve_mib: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._most = reserve_mib << 20
        self._clock = clock
        self._looked, self._over = -_FRESH, 0
        self._size = 0

    @classmethod
    def of(cls, config: Config) -> "DiskReserve":
        return cls(config.shared_disk, config.reserve_mib)

    def short(self, wanted: int = 0) -> bool:
        """Whether with `wanted` bytes more the reserve would be begun on."""
        return self._folder is not None and self._left(self._folder) < wanted

    def over(self) -> bool:
        """Whether next to nothing of the reserve is left either."""
        if self._folder is None:
            return False
        return self._left(self._folder) + self._size * (1 - 1 / _LAST) < 0

    def check(self, what: str, wanted: int = 0) -> None:
        """Raises Rejected("no_space") if it is short."""
        if self.short(wanted):
            raise Rejected(
                "no_space",
                f"{what}: the server's disk is nearly full, and what is left is for what it has"
                " accepted; have some space freed",
            )

    def _left(self, folder: Path) -> int:
        """Bytes beyond the reserve."""
        if self._clock() - self._looked >= _FRESH:
            free, whole = space(folder)
            self._size = min(self._most, whole // _SHARE)
            self._over = free - self._size
            self._looked = self._clock()
        return self._over


def space(folder: Path) -> tuple[int, int]:
    """Bytes that may yet be written on the disk of `folder`, none where no file can be made, and
    how many it has in all."""
    found = os.statvfs(folder)
    files_left = not found.f_files or found.f_favail > _FILES  # some count none, as btrfs
    free = found.f_bavail * found.f_frsize if files_left else 0
    return free, found.f_blocks * found.f_frsize
