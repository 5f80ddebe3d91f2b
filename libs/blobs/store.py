"""What a blob store promises, whichever it is. tests/contracts/test_blobs.py holds all to it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from libs.domain.errors import Rejected

PIECE = 1 << 20  # bytes held in memory of a file under way

_KEY = re.compile(r"[a-zA-Z0-9._/-]{1,700}")  # S3 takes 1024 bytes, and the store's prefix is in it
_MAX_NAME_LENGTH = 200  # between slashes; file systems take 255 bytes


class BlobStore(Protocol):
    """Files by key, each all there or not at all.

    A key is 1 to 700 of `a-z A-Z 0-9 . _ - /`, without empty, `.` or `..` parts; anything else is
    Rejected("invalid"). Keys form a tree of files: don't use both `a` and `a/b`.

    Every call raises Unavailable when the store can't be reached, refuses our credentials or
    breaks; a cancelled or failed call may have happened or not, but never by half.
    """

    async def put(self, key: str, path: Path) -> None:
        """Store the file at `path`, durably, in place of what `key` held; readers see old or new.

        Rejected("no_space") when it does not fit.
        """
        ...

    async def get(self, key: str, path: Path) -> None:
        """Write the blob to `path`, in place of what is there; after a failure `path` is as before.

        Rejected("not_found") when there is no such key, "no_space" when our disk is full.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget the key; fine if there is none."""
        ...

    async def exists(self, key: str) -> bool: ...

    async def list(self, prefix: str) -> Sequence[str]:
        """The keys that start with `prefix` (any part of a key, or empty for all), sorted."""
        ...

    async def check(self) -> None:
        """Return if the store answers us now (readiness)."""
        ...


def check_key(key: str) -> None:
    """Rejected("invalid") unless `key` is one."""
    names = key.split("/")
    if not _KEY.fullmatch(key) or any(name in ("", ".", "..") for name in names):
        raise Rejected("invalid", f"blob key {key[:80]!r}: use a-z A-Z 0-9 . _ - in parts set by /")
    if any(len(name) > _MAX_NAME_LENGTH for name in names):
        raise Rejected(
            "invalid", f"blob key {key[:80]!r}: a part is over {_MAX_NAME_LENGTH} letters"
        )


def check_prefix(prefix: str) -> None:
    """Rejected("invalid") unless some key may start with `prefix`."""
    if prefix:
        check_key(prefix + "x" if prefix.endswith(("/", ".")) else prefix)


def no_such_key(key: str) -> Rejected:
    """The one answer of all stores to a key that they don't hold."""
    return Rejected("not_found", f"there is no blob {key}; it may have been deleted")
