"""An environment: what its name says, and how it is left for others to use."""

import hashlib
import os
import platform
import stat
from collections.abc import Container
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
    """The SHA-256, in hex, of the parts and their lengths."""
    hasher = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hasher.update(b"%d:" % len(encoded) + encoded)
    return hasher.hexdigest()


def platform_name() -> str:
    """What compiled packages depend on: CPython's version and the newest wheel tag it accepts."""
    return f"{platform.python_version()} {next(sys_tags())}"


def seal(folder: Path, excluded_paths: Container[str] = ()) -> int:
    """Makes every file readable by all and writable by none; returns their bytes.

    Files are links into the builder's cache, so a task that wrote into one would change every
    environment. Folders stay writable by their owner, who could not remove them otherwise. Folders
    in `excluded_paths` are left as they are.
    """
    total, waiting = 0, [str(folder)]
    while waiting:
        directory = waiting.pop()
        Path(directory).chmod(0o755)
        with os.scandir(directory) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    total += status.st_size
                    if stat.S_ISREG(status.st_mode):
                        _seal(entry.path, stat.S_IMODE(status.st_mode))
                elif entry.path not in excluded_paths:
                    waiting.append(entry.path)
    return total


def check_size(size: int, limit: int) -> None:
    """Raises Rejected if an environment of `size` bytes exceeds `limit` bytes."""
    if size > limit:
        raise Rejected(
            "invalid",
            f"requirements.txt: installed, it takes {size} bytes, over the limit of {limit};"
            " leave out what the code does not import",
        )


def site_packages(environment: Path) -> Path:
    """The environment's only `site-packages` folder."""
    (path,) = environment.glob("lib/python*/site-packages")
    return path


def packages(folder: Path) -> set[str]:
    """The paths of the packages in a folder of `sys.path`; modules lie beside them."""
    others = (".dist-info", ".data", "__pycache__")
    with os.scandir(folder) as entries:
        return {one.path for one in entries if one.is_dir() and not one.name.endswith(others)}


def _seal(path: str, mode: int) -> None:
    """Most are links to files that were sealed for another environment."""
    executable = 0o111 if mode & stat.S_IXUSR else 0
    sealed = (mode | _READERS | executable) & ~_WRITERS & 0o777
    if sealed != mode:
        os.chmod(path, sealed)
