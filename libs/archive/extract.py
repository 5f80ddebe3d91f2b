"""Unpack an archive into a folder that appears whole or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libs.archive.inspect import DEFAULT_LIMITS, Limits, check
from libs.archive.reader import opened
from libs.domain.errors import Unavailable

_FOLDER, _FILE, _EXECUTABLE = 0o755, 0o644, 0o755


def extract(path: Path, target: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpack the archive at `path` as the new folder `target`, beside which it is staged.

    Files get 0644 (0755 if executable in the archive) and folders 0755, whatever the umask.
    Raises Rejected as `inspect` does, FileExistsError if `target` holds something already
    (another process was first: its copy stays), Unavailable if the disk is full or fails.
    """
    with _broken_disk(), opened(path, limits.entries) as reader:
        tree = check(reader, limits)
        with _staged(target) as stage:
            for folder in tree.folders:
                (stage / folder).mkdir()
                (stage / folder).chmod(_FOLDER)
            for name, member in tree.files.items():
                mode = _EXECUTABLE if member.mode & 0o111 else _FILE
                _write(stage / name, mode, reader.chunks(member))


@contextmanager
def _broken_disk() -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise Unavailable(f"the archive can't be unpacked: {error.strerror}") from error


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A folder beside `target` that becomes it at the end, and is removed on any failure."""
    stage = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:32]}-"))
    try:
        stage.chmod(_FOLDER)
        yield stage
        _rename(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)  # gone already if it was renamed


def _rename(stage: Path, target: Path) -> None:
    try:
        stage.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, "already there", str(target)) from error
        raise


def _write(path: Path, mode: int, chunks: Iterator[bytes]) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), mode)
        file.writelines(chunks)
