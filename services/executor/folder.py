"""A run's private files: a copy of the code that it may write to, and what comes with it."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from services.executor.backend import RunSpec

_FICLONE = 0x40049409  # ioctl_ficlone(2): share the blocks until one side writes


class RunFolder:
    """The folder `path` with `home`, `temporary` and `root` (for the view) inside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home, self.temporary, self.root = (path / n for n in ("home", "temporary", "root"))

    def fill(self, spec: RunSpec, uid: int | None) -> None:
        """Make everything, for `uid` alone if it is given, else for our own. Raises OSError."""
        self.path.mkdir(mode=0o700)
        self.root.mkdir()
        self.temporary.mkdir()
        _copy(str(spec.code), str(self.home))
        directory = Path(spec.entrypoint).parent
        given = {"arguments.json": spec.arguments, **spec.files}
        # The SDK reads the arguments in HOME; a script may also do so beside its other data.
        given |= {str(directory / "arguments.json"): spec.arguments}
        for name, content in given.items():
            file = self.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o600)
        if uid is not None:
            _give_to(str(self.path), uid)

    def prepare(self, uid: int | None) -> None:
        """Make everything for a template that runs as `uid`, if given. Raises OSError."""
        for place in (self.path, self.root, self.temporary, self.home):
            place.mkdir()
            place.chmod(0o711)
        if uid is not None:
            os.chown(self.home, uid, uid)

    def size(self) -> int:
        """Bytes on disk of all the files there now; those that vanish meanwhile don't count."""
        places = (self.home, self.temporary)
        return sum(_blocks(entry) * 512 for place in places for entry in _walk(str(place)))

    def remove(self) -> None:
        """Take it all away, whatever modes and depths the run left behind. Raises OSError."""
        try:
            shutil.rmtree(self.path)
        except FileNotFoundError:
            return
        except (OSError, RecursionError):
            # Folders closed even to their owner, or nested beyond what Python and a path can hold.
            for tool in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
                subprocess.run([*tool, "--", self.path], check=False)  # noqa: S603 - our own path
            if self.path.exists():
                raise


def _copy(source: str, target: str) -> None:
    os.mkdir(target, 0o700)
    with os.scandir(source) as entries:
        for entry in entries:
            to = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                _copy(entry.path, to)
            elif entry.is_file(follow_symlinks=False):
                _copy_file(entry.path, to, entry.stat().st_mode)


def _copy_file(source: str, target: str, mode: int) -> None:
    """Clone where the file system can, else copy. The owner may write, nobody else read."""
    with open(source, "rb") as old, open(target, "xb") as new:
        try:
            fcntl.ioctl(new, _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new)
        os.fchmod(new.fileno(), 0o600 | (mode & 0o100))


def _give_to(path: str, uid: int) -> None:
    os.chown(path, uid, uid, follow_symlinks=False)
    for entry in _walk(path):
        os.chown(entry.path, uid, uid, follow_symlinks=False)


def _walk(path: str) -> Iterator[os.DirEntry[str]]:
    ahead = [path]
    while ahead:
        try:
            entries = list(os.scandir(ahead.pop()))
        except OSError:  # gone meanwhile, or closed to us
            continue
        ahead.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        yield from entries


def _blocks(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks
    except OSError:
        return 0
