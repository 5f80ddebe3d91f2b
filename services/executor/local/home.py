"""A run's private files: a copy of the code that it may write to, and what comes with it."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.executor.local.home_writer import HomeWriter, Mark, mark
from services.executor.resolved_spec import ResolvedSpec

_FEW, _LITTLE = 50, 1 << 20  # files and folders; bytes


class RunFolder:
    """The folder `path` with `home`, `temporary` and `root` (for the view) inside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home, self.temporary, self.root = (path / n for n in ("home", "temporary", "root"))
        self._places: dict[Path, Mark | None] = {}
        self._made: dict[str, Mark] = {}

    def make(self, maker: int | None = None) -> None:
        """Make it, still empty, for who prepares the run: that uid, or we. Raises OSError."""
        os.mkdir(self.path, 0o711)  # to be passed through
        for place in (self.root, self.home, self.temporary):
            os.mkdir(place, 0o700)
            if maker is not None:
                os.chown(place, maker, maker)
            self._places[place] = mark(str(place))

    def fill(self, spec: ResolvedSpec, uid: int | None) -> None:
        """With all that the run gets, for `uid` alone if it is given, else for us. Raises OSError.

        What is large may take long.
        """
        filling = HomeWriter(str(self.home), uid, self._made)
        filling.copy(str(spec.tree))
        for name, content in spec.private_files().items():
            filling.write(name, content)
        self._made = filling.done()
        if uid is not None:
            os.chown(self.home, uid, uid)
            os.chown(self.temporary, uid, uid)

    def clear(self, maker: int | None = None) -> bool:
        """Take away what a run has left but for what we would make again; False if that can't be.

        Then it may be filled for any other run, whoever's.
        """
        if len(self._made) > _FEW:
            return False
        try:
            for place, known in self._places.items():
                if known is None or mark(str(place)) != known:
                    return False
                os.chmod(place, 0o700)
                if maker is not None:
                    os.chown(place, maker, maker)
            self._made = _emptied(str(self.home), self._made)
            for place in (self.temporary, self.root):
                _emptied(str(place))
        except (OSError, RecursionError):
            return False
        return True

    def prepare(self, uid: int | None) -> None:
        """Make everything for a zygote that runs as `uid`, if given. Raises OSError."""
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
    _emptied(path)
    os.rmdir(path)


def _emptied(top: str, made: Mapping[str, Mark] = {}, below: str = "") -> dict[str, Mark]:
    """Remove what lies in `top`, but for what is still as in `made`, which is given back.

    Of a file a byte stays: ext4 writes to the disk at once what was written after it had none.
    """
    kept: dict[str, Mark] = {}
    with os.scandir(top) as entries:
        for entry in entries:
            name, folder = below + entry.name, entry.is_dir(follow_symlinks=False)
            known = made.get(name)
            if known and not entry.is_symlink() and mark(entry.path) == known:
                kept[name] = known
                if folder:
                    kept |= _emptied(entry.path, made, f"{name}/")
                elif entry.stat().st_size:
                    os.truncate(entry.path, 1)
            elif folder:
                _sweep(entry.path)
            else:
                os.unlink(entry.path)
    return kept


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
