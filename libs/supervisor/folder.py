"""The data folder: its lock, its parts and their modes, and files that are written whole."""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from libs.domain.errors import Rejected
from libs.linux.proc import holds

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
    lock = _open_lock(path)
    try:
        await _acquire(path, lock)
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)  # not before it is known to be ours
        yield Folder(path, lock)
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int:
    """Looks and makes what is absent, but changes nothing that is there: it may be in use."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()) and not (path / _LOCK).exists():
            raise Rejected("invalid", f"--data {path} holds other things: choose an empty folder")
        return os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Rejected(
            "invalid", f"--data {path}: {error.strerror}; choose a folder that you may write to"
        ) from error


async def _acquire(path: Path, lock: int) -> None:
    """Take the lock and leave our pid in it; wait only for what is left of a killed instance.

    Its supervisor may be a zombie for as long as the machine's first process likes, and its pid may
    be somebody else's by now: in use is what the one who left the pid still holds open.
    """
    patience = time.monotonic() + _LAST_BREATH
    while not _try_lock(lock):
        holder = int(os.pread(lock, 20, 0) or b"0")
        if holds(holder, lock):
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
