"""Puts files into a run's home, where the last run's may lie for us to write over.

File systems make new files slowly while they have many that were just deleted: ext4 looks at each
of them first, for a minute. So what we have made ourselves is kept for the next run, as long as it
is still what it was; see `mark`.
"""

import fcntl
import os
import shutil
import stat
from typing import NamedTuple

_FICLONE = 0x40049409  # ioctl_ficlone(2): share the blocks until one side writes
_GETFLAGS = 0x80086601  # ioctl_iflags(2)
_LITTLE = 1 << 16  # bytes of a file that is worth keeping


class Mark(NamedTuple):
    """What a file or folder is, but for its content, owner and mode, which we set anew."""

    kind: int
    inode: int
    links: int
    flags: int
    attributes: tuple[str, ...]


def mark(path: str) -> Mark | None:
    """Of a file or folder; None for one that is not worth keeping. Raises OSError.

    A run may give what it owns other names, attributes, access lists and flags; all of that shows.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        folder = stat.S_ISDIR(found.st_mode)
        if not folder and found.st_blocks * 512 > _LITTLE:
            return None
        links = 0 if folder else found.st_nlink
        attributes = tuple(os.listxattr(descriptor))
        return Mark(stat.S_IFMT(found.st_mode), found.st_ino, links, _flags(descriptor), attributes)
    finally:
        os.close(descriptor)


def _flags(descriptor: int) -> int:
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, _GETFLAGS, bytes(8))[:4], "little")
    except OSError:  # a file system without any
        return 0


class HomeWriter:
    """Of the folder `top`, for `uid` alone if it is given, else for us.

    `kept` is all that lies there, by paths below `top`. Everything raises OSError.
    """

    def __init__(self, top: str, uid: int | None, kept: dict[str, Mark]) -> None:
        self._top = top
        self._uid = uid
        self._kept = kept
        self._made: dict[str, Mark] = {}

    def done(self) -> dict[str, Mark]:
        """Remove what was kept in vain; returns what we have made."""
        self._remove(list(self._kept))
        return self._made

    def write(self, name: str, content: bytes) -> None:
        """A file, with the folders above it."""
        above, _, _ = name.rpartition("/")
        if above:
            self._folders(above)
        with open(self._open(name, 0o600), "wb") as file:
            file.write(content)
            file.truncate()

    def copy(self, source: str, below: str = "") -> None:
        """What lies in the folder `source`. The owner may write, nobody else read."""
        with os.scandir(source) as entries:
            for entry in entries:
                name = below + entry.name
                if entry.is_dir(follow_symlinks=False):
                    self._folder(name)
                    self.copy(entry.path, f"{name}/")
                elif entry.is_file(follow_symlinks=False):
                    self._copy(entry.path, name)

    def _copy(self, source: str, name: str) -> None:
        """Clone where the file system can, else copy."""
        with open(source, "rb", buffering=0) as old:
            found = os.fstat(old.fileno())
            with open(self._open(name, 0o600 | (found.st_mode & 0o100)), "wb", buffering=0) as new:
                try:
                    fcntl.ioctl(new, _FICLONE, old.fileno())
                except OSError:
                    shutil.copyfileobj(old, new)
                new.truncate(found.st_size)

    def _folders(self, path: str) -> None:
        above, _, _ = path.rpartition("/")
        if above:
            self._folders(above)
        self._folder(path)

    def _folder(self, name: str) -> None:
        if name in self._made:
            return
        path = f"{self._top}/{name}"
        if known := self._take(name, stat.S_IFDIR):
            os.chmod(path, 0o700)
        else:
            os.mkdir(path, 0o700)
        if self._uid is not None:
            os.chown(path, self._uid, self._uid)
        self._note(name, known)

    def _open(self, name: str, mode: int) -> int:
        """To be written from its start, and cut where that ends.

        Not emptied first: what was emptied and is closed must reach the disk at once with ext4.
        """
        path, known = f"{self._top}/{name}", self._take(name, stat.S_IFREG)
        if known:
            os.chmod(path, mode)
        given = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, given, mode)
        if self._uid is not None:
            os.fchown(descriptor, self._uid, self._uid)
        self._note(name, known or self._made.get(name))
        return descriptor

    def _take(self, name: str, kind: int) -> Mark | None:
        """What is kept under the name, taken from there; what is of another kind goes."""
        known = self._kept.get(name)
        if known and known.kind != kind:
            self._remove([each for each in self._kept if f"{each}/".startswith(f"{name}/")])
        return self._kept.pop(name, None)

    def _remove(self, names: list[str]) -> None:
        for name in sorted(names, reverse=True):  # what lies in a folder before it
            folder = stat.S_ISDIR(self._kept.pop(name).kind)
            (os.rmdir if folder else os.unlink)(f"{self._top}/{name}")

    def _note(self, name: str, known: Mark | None) -> None:
        if found := known or mark(f"{self._top}/{name}"):
            self._made[name] = found
