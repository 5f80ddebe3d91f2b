"""An environment: what its name says, and how it is left for others to use."""

import hashlib
import os
import platform
import stat
import sys
from pathlib import Path

import msgspec
from packaging.tags import sys_tags

from libs.domain.errors import Rejected

_WRITERS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_READERS = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


class Environment(msgspec.Struct, frozen=True):
    """A folder of installed packages. Equal ids mean equal contents, wherever they were built.

    `seconds` says how long this build took, by step (`resolve`, `install`); a step whose outcome
    was there already takes next to none.
    """

    id: str
    lock_digest: str
    python: Path
    seconds: dict[str, float]


def digest(*parts: str) -> str:
    """sha256 in hex of the parts, whose lengths are part of it."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hashed.update(b"%d:" % len(encoded) + encoded)
    return hashed.hexdigest()


def platform_name() -> str:
    """What compiled packages depend on: CPython's version and the newest wheel tag it accepts."""
    return f"{platform.python_version()} {next(sys_tags())}"


def share_bytecode(source: Path, target: Path) -> None:
    """Link the bytecode in `source` of the files that `target` shares with it, if any."""
    suffix = f".{sys.implementation.cache_tag}.pyc"
    for compiled in source.rglob(f"__pycache__/*{suffix}"):
        link = target / compiled.relative_to(source)
        origin = compiled.parent.parent / (compiled.name.removesuffix(suffix) + ".py")
        shared = target / origin.relative_to(source)
        if link.exists() or not _same(shared, origin):
            continue
        if not link.parent.exists():
            link.parent.mkdir()
            owner = shared.parent.stat()
            os.chown(link.parent, owner.st_uid, owner.st_gid)
        link.hardlink_to(compiled)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False


def seal(folder: Path, most_bytes: int) -> None:
    """Make every file readable by all and writable by none; Rejected if it is over `most_bytes`.

    Files are links into the builder's cache, so a task that wrote into one would change every
    environment. Folders stay writable by their owner, who could not remove them otherwise.
    """
    total = 0
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            path = Path(parent, name)
            status = path.lstat()
            total += status.st_size
            if stat.S_ISREG(status.st_mode):
                path.chmod(_sealed(stat.S_IMODE(status.st_mode)))
    if total > most_bytes:
        raise Rejected(
            "invalid",
            f"requirements.txt: installed, it takes {total} bytes, over the limit of {most_bytes};"
            " leave out what the code does not import",
        )


def _sealed(mode: int) -> int:
    executable = 0o111 if mode & stat.S_IXUSR else 0
    return (mode | _READERS | executable) & ~_WRITERS & 0o777
