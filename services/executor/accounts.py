"""Who there is, for a run: itself under a name, root and nobody. The machine's accounts are hidden.

Whose uid it will be is not known yet when the view of a prepared run is built, and mounting is
forbidden by then: so the files are put into place empty, and written when it is known.
"""

import contextlib
import os
from glob import glob

from libs.linux import syscalls

NAME, HOME = "jovyan", "/home/jovyan"

_FILES = ("passwd", "group")
_HIDDEN = ("passwd-", "group-", "shadow*", "gshadow*", "subuid*", "subgid*")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NOBODY = 65534
_SHELL = "/bin/sh"


def place(etc: str, source: str) -> list[int]:
    """Cover the files below `etc` with those in the folder `source`, which it makes.

    Needs the right to mount. Returns the descriptors of the new ones, for `write`. Raises OSError.
    """
    if not all(os.path.isfile(f"{etc}/{name}") for name in _FILES):
        return []  # a system without accounts
    return [_cover(f"{etc}/{name}", f"{source}/{name}") for name in _FILES]


def take_away(source: str) -> None:
    """Nobody is to find the files there, or to put others over them in `etc`."""
    for name in _FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{source}/{name}")


def hide(etc: str, source: str) -> None:
    """What else tells of the machine's accounts is empty. Needs the right to mount."""
    empty = f"{source}/empty"
    os.close(os.open(empty, _NEW, 0o444))
    for path in (each for name in _HIDDEN for each in glob(f"{etc}/{name}")):
        syscalls.mount(empty, path, flags=syscalls.MS_BIND)


def write(files: list[int], uid: int, gid: int) -> None:
    """Fill and close them."""
    for file, lines in zip(files, (_users(uid, gid), _groups(gid)), strict=False):
        os.write(file, lines.encode())
        os.close(file)


def _cover(path: str, source: str) -> int:
    file = os.open(source, _NEW, 0o444)
    syscalls.mount(source, path, flags=syscalls.MS_BIND)
    return file


def _users(uid: int, gid: int) -> str:
    others = {0: "root:x:0:0:root:/root:", _NOBODY: f"nobody:x:{_NOBODY}:{_NOBODY}::/nonexistent:"}
    own = f"{NAME}:x:{uid}:{gid}:{NAME}:{HOME}:{_SHELL}\n"
    return own + "".join(f"{line}\n" for of, line in others.items() if of != uid)


def _groups(gid: int) -> str:
    others = {0: "root:x:0:", _NOBODY: f"nogroup:x:{_NOBODY}:"}
    return f"{NAME}:x:{gid}:\n" + "".join(f"{line}\n" for of, line in others.items() if of != gid)
