"""A run's private files: a copy of the code that it may write to, and what comes with it."""

import fcntl
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from services.executor.backend import RunSpec

_FICLONE = 0x40049409  # ioctl_ficlone(2): share the blocks until one side writes
_FEW, _LITTLE = 50, 1 << 20  # files and folders; bytes


class RunFolder:
    """The folder `path` with `home`, `temporary` and `root` (for the view) inside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home, self.temporary, self.root = (path / n for n in ("home", "temporary", "root"))

    def make(self, maker: int | None = None) -> None:
        """Make it, still empty, for who prepares the run: that uid, or we. Raises OSError."""
        os.mkdir(self.path, 0o711)  # to be passed through
        for place in (self.root, self.home, self.temporary):
            os.mkdir(place, 0o700)
            if maker is not None:
                os.chown(place, maker, maker)

    def fill(self, spec: RunSpec, uid: int | None) -> None:
        """With all that the run gets, for `uid` alone if it is given, else for us. Raises OSError.

        What is large may take long.
        """
        home = str(self.home)
        _copy(str(spec.code), home, uid)
        given = {"arguments.json": spec.arguments, **spec.files}
        # The SDK reads the arguments in HOME; a script may also do so beside its other data.
        beside, _, _ = spec.entrypoint.rpartition("/")
        given |= {f"{beside}/arguments.json": spec.arguments} if beside else {}
        for name, content in given.items():
            _write(home, name, content, uid)
        if uid is not None:
            os.chown(home, uid, uid)
            os.chown(self.temporary, uid, uid)

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
        """Take it all away, whatever modes and depths the run left behind. Raises OSError.

        May take long: the file system waits for its journal now and then.
        """
        try:
            _sweep(str(self.path))
        except FileNotFoundError:
            return
        except (OSError, RecursionError):
            # Folders closed even to their owner, or nested beyond what Python and a path can hold.
            for tool in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
                subprocess.run([*tool, "--", self.path], check=False)  # noqa: S603 - our own path
            if self.path.exists():
                raise


def is_small(path: Path) -> bool:
    """Whether it is copied in so little time that nobody notices."""
    size = 0
    for count, entry in enumerate(_walk(str(path))):
        size += _blocks(entry) * 512
        if count == _FEW or size > _LITTLE:
            return False
    return True


def _sweep(path: str) -> None:
    """Nobody is left who could put a link in our way, so this needs none of rmtree's care."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _sweep(entry.path)
            else:
                os.unlink(entry.path)
    os.rmdir(path)


def _copy(source: str, target: str, uid: int | None) -> None:
    """What lies in the folder `source` into the folder `target`."""
    with os.scandir(source) as entries:
        for entry in entries:
            to = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                _folder(to, uid)
                _copy(entry.path, to, uid)
            elif entry.is_file(follow_symlinks=False):
                _copy_file(entry.path, to, uid)


def _copy_file(source: str, target: str, uid: int | None) -> None:
    """Clone where the file system can, else copy. The owner may write, nobody else read."""
    with open(source, "rb", buffering=0) as old:
        mode = 0o600 | (os.fstat(old.fileno()).st_mode & 0o100)
        with _file(target, uid, mode) as new:
            try:
                fcntl.ioctl(new, _FICLONE, old.fileno())
            except OSError:
                shutil.copyfileobj(old, new)


def _write(home: str, name: str, content: bytes, uid: int | None) -> None:
    *above, _ = name.split("/")
    at = home
    for each in above:
        at = f"{at}/{each}"
        if not os.path.isdir(at):
            _folder(at, uid)
    with _file(f"{home}/{name}", uid) as file:
        file.write(content)


def _folder(path: str, uid: int | None) -> None:
    os.mkdir(path, 0o700)
    if uid is not None:
        os.chown(path, uid, uid)


def _file(path: str, uid: int | None, mode: int = 0o600) -> io.FileIO:
    """A new one, or an emptied one."""
    file = io.FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "w")
    if uid is not None:
        os.fchown(file.fileno(), uid, uid)
    return file


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
