"""A small file system for the tests, which may be filled and relieved: see on_small_disk.py."""

import os
import sys
from pathlib import Path

import pytest

from tests.on_small_disk import separate

_PROGRAM = Path(__file__).with_name("on_small_disk.py")
_PIECE = bytes(1 << 20)


def _may_mount() -> bool:
    """Tried in a child, since there is no way back."""
    if (child := os.fork()) == 0:
        try:
            separate()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


possible = os.geteuid() == 0 and _may_mount()
needed = pytest.mark.skipif(not possible, reason="only root with the right to mount has one")


def on_small_disk(folder: Path, mib: int, *program: str) -> list[str]:
    """The command line that runs `program` with `folder`, made if absent, of `mib` MiB."""
    folder.mkdir(parents=True, exist_ok=True)
    return [sys.executable, "-P", str(_PROGRAM), str(folder), str(mib), *program]


class SmallDisk:
    """The one that the process `pid` finds at `folder`."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.folder = Path(f"/proc/{pid}/root{folder}")
        self._filler = self.folder / "filler"

    def free(self) -> int:
        """Bytes that may yet be written there."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, but: int = 0) -> None:
        """With one file, until `but` bytes are free."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while (left := self.free() - but) > 0:
                    file.write(_PIECE[:left])
            except OSError:  # somebody else has had the rest
                return

    def relieve(self) -> None:
        """Take that file away."""
        self._filler.unlink(missing_ok=True)
