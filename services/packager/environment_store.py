"""The environments that are kept: which there are, what each takes, and which are too many.

The lock of one that is removed stays (`<environments>/.locks/<id>.txt`), so it can be had again as
it was.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from services.packager.walk import statuses

LOCKS = ".locks"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of environments that nobody needs: so many in all, of so many bytes of their
    own, used within so many seconds."""

    environments: int = 50
    own_bytes: int = 20 << 30
    unused_seconds: float = 30 * 86400.0


class Kept(msgspec.Struct, frozen=True):
    """`bytes` of all its files; `own_bytes` of those that no other environment shares."""

    id: str
    bytes: int
    own_bytes: int
    used_at: float

    @property
    def last_used_at(self) -> datetime:
        return datetime.fromtimestamp(self.used_at, UTC)


def excess(
    kept: Sequence[Kept], needed: Collection[str], limits: Limits, now: float
) -> Iterator[Kept]:
    """What goes, the longest unused first, but nothing that is needed. Those used last that fit
    into the limits stay, whatever lies before them."""
    number, size = len(kept), sum(one.own_bytes for one in kept)
    for one in sorted(kept, key=lambda one: one.used_at):
        unused = now - one.used_at > limits.unused_seconds
        beyond = number > limits.environments or size > limits.own_bytes
        if (unused or beyond) and one.id not in needed:
            yield one
        number, size = number - 1, size - one.own_bytes


class Shelf:
    """The folder `environments`. Its calls read and write disks: not for the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / LOCKS).mkdir(parents=True, exist_ok=True)

    def use(self, id: str) -> bool:
        """Whether it is there; it counts as used now."""
        try:
            os.utime(self._folder / id)
        except FileNotFoundError:
            return False
        return True

    def kept(self) -> list[Kept]:
        return [found for path in self._environments() if (found := _measured(path))]

    def lock(self, id: str) -> str | None:
        """What the environment consists of, whether it is there or was removed."""
        for path in (self._folder / id / "lock.txt", self._kept_lock(id)):
            if path.exists():
                return path.read_text()
        return None

    def remove(self, id: str, out_of_the_way: str) -> None:
        """By way of a name that begins with `out_of_the_way`: a half-removed folder must not pass
        for an environment."""
        path = self._folder / id
        with suppress(FileNotFoundError):  # another builder has the same opinion of it
            shutil.copyfile(path / "lock.txt", self._kept_lock(id))
            away = path.rename(path.with_name(f"{out_of_the_way}{id}"))
            shutil.rmtree(away, ignore_errors=True)  # what is left of it is swept one day

    def _kept_lock(self, id: str) -> Path:
        return self._folder / LOCKS / f"{id}.txt"

    def _environments(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.name[0] != "."]


def _measured(folder: Path) -> Kept | None:
    """None when it is being removed. A file of one environment has two names at most: one in it,
    one in the builder's cache."""
    total = own = 0
    try:
        used_at = folder.stat().st_mtime
        for status in statuses(folder):
            total += status.st_size
            own += status.st_size if status.st_nlink <= 2 else 0
    except FileNotFoundError:
        return None
    return Kept(folder.name, total, own, used_at)
