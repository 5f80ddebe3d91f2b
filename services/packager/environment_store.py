"""The environments on disk: which there are, what each takes, and which are too many.

The lock of a removed environment stays (`<environments>/.locks/<id>.txt`), so it can be built again
as it was.
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
    """How many environments may stay, how many bytes they may take that no other one shares, and
    for how many seconds an unused one stays. What a task needs stays in any case."""

    environments: int = 50
    own_bytes: int = 20 << 30
    unused_seconds: float = 30 * 86400.0


class StoredEnvironment(msgspec.Struct, frozen=True):
    """`bytes` counts all its files, `own_bytes` those that no other environment shares. `used_at`
    is in seconds since 1970."""

    id: str
    bytes: int
    own_bytes: int
    used_at: float

    @property
    def last_used_at(self) -> datetime:
        """`used_at` in UTC."""
        return datetime.fromtimestamp(self.used_at, UTC)


def excess(
    environments: Sequence[StoredEnvironment], needed: Collection[str], limits: Limits, now: float
) -> Iterator[StoredEnvironment]:
    """The environments to remove, the longest unused first; never one that is `needed`. Those used
    last that fit into the limits stay, whatever was used before them. `now` is a Unix time."""
    number, size = len(environments), sum(one.own_bytes for one in environments)
    for one in sorted(environments, key=lambda one: one.used_at):
        unused = now - one.used_at > limits.unused_seconds
        beyond = number > limits.environments or size > limits.own_bytes
        if (unused or beyond) and one.id not in needed:
            yield one
        number, size = number - 1, size - one.own_bytes


class EnvironmentStore:
    """The folder of environments. Its calls read and write the disk: not for the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / LOCKS).mkdir(parents=True, exist_ok=True)

    def use(self, id: str) -> bool:
        """Whether the environment exists; if so, it counts as used now."""
        try:
            os.utime(self._folder / id)
        except FileNotFoundError:
            return False
        return True

    def environments(self) -> list[StoredEnvironment]:
        """All that are whole, in no order. One that is being removed is left out."""
        return [one for path in self._folders() if (one := _measure(path))]

    def lock(self, id: str) -> str | None:
        """The environment's lock, whether it exists or was removed; None if there never was one."""
        for path in (self._folder / id / "lock.txt", self._lock_path(id)):
            if path.exists():
                return path.read_text()
        return None

    def remove(self, id: str, trash_prefix: str) -> None:
        """Renames the folder to `trash_prefix` and the id, and deletes it then: a folder that is
        deleted in part must not pass for an environment."""
        path = self._folder / id
        with suppress(FileNotFoundError):  # another builder has the same opinion of it
            shutil.copyfile(path / "lock.txt", self._lock_path(id))
            trash = path.rename(path.with_name(f"{trash_prefix}{id}"))
            shutil.rmtree(trash, ignore_errors=True)  # what is left of it is swept one day

    def _lock_path(self, id: str) -> Path:
        return self._folder / LOCKS / f"{id}.txt"

    def _folders(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.name[0] != "."]


def _measure(folder: Path) -> StoredEnvironment | None:
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
    return StoredEnvironment(folder.name, total, own, used_at)
