"""The data folder: its lock, its parts and their modes, and files that are written whole."""

import asyncio
import contextlib
import errno
import fcntl
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from libs.domain.errors import Rejected

_LOCK = "lock"
_LAST_BREATH = 10.0  # seconds that the processes of a killed instance get to end


class Folder:
    """An instance's data folder, held by this process.

    `lock` is the descriptor of the lock: processes that inherit it hold the folder too, so that
    no second instance touches what a process of a killed first one still uses.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.lock = lock

    def part(self, name: str, mode: int = 0o700) -> Path:
        """The subfolder `name`, made if absent, with `mode` in any case."""
        part = self.path / name
        part.mkdir(exist_ok=True)
        part.chmod(mode)
        return part


@contextlib.asynccontextmanager
async def open_folder(path: Path) -> AsyncIterator[Folder]:
    """Make `path` if absent and hold it. Raises Rejected if it isn't ours or is in use.

    Its mode is 0700; under root 0711, since parts of it belong to other uids, which must get there.
    """
    _make(path)
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _acquire(path, lock)
        yield Folder(path, lock)
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()) and not (path / _LOCK).exists():
            raise Rejected("invalid", f"--data {path} holds other things: choose an empty folder")
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise Rejected(
            "invalid", f"--data {path}: {error.strerror}; choose a folder that you may write to"
        ) from error


async def _acquire(path: Path, lock: int) -> None:
    """Take the lock and leave our pid in it; wait only for what is left of a killed instance."""
    patience = time.monotonic() + _LAST_BREATH
    while not _try_lock(lock):
        holder = int(os.pread(lock, 20, 0) or b"0")
        if _lives(holder):
            raise Rejected(
                "conflict",
                f"--data {path} is in use by process {holder}: stop that, or choose another folder",
            )
        if time.monotonic() > patience:
            raise Rejected(
                "conflict",
                f"--data {path}: processes of an instance that was killed still use it;"
                f" `fuser {path / _LOCK}` lists them",
            )
        await asyncio.sleep(0.05)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return pid > 0


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `path` by a file of `content` at once: readers see the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(content)
        file.flush()
        os.fsync(handle)
    beside.replace(path)
