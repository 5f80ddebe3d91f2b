"""Who there is, for a run: itself under a name, root and nobody. The machine's accounts are hidden.

Whose uid it will be is not known yet when the view of a prepared run is built, and mounting is
forbidden by then: so the files are put into place empty, and written when it is known.
"""

import os
from glob import glob

from libs.linux import syscalls
from services.executor.resolved_spec import USER

NAME, HOME = USER, "/home/jovyan"

_FILES = ("passwd", "group")
_HIDDEN = ("passwd-", "group-", "shadow*", "gshadow*", "subuid*", "subgid*")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NOBODY = 65534
_SHELL = "/bin/sh"


def place(etc: str, source: str, to_be_found: bool = True) -> list[int]:
    """Cover the files below `etc` with those in the folder `source`, which it makes.

    Nothing can be put over them later, if they are not `to_be_found` there. Needs the right to
    mount. Returns the descriptors of the new ones, for `write`. Raises OSError.
    """
    if not os.path.isfile(f"{etc}/passwd"):
        return []  # a system without accounts
    files = []
    for name in _FILES:
        new = f"{source}/{name}"
        files.append(os.open(new, _NEW, 0o444))
        syscalls.mount(new, f"{etc}/{name}", flags=syscalls.MS_BIND)
        if not to_be_found:
            os.unlink(new)
    return files


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


def _users(uid: int, gid: int) -> str:
    others = {0: "root:x:0:0:root:/root:", _NOBODY: f"nobody:x:{_NOBODY}:{_NOBODY}::/nonexistent:"}
    own = f"{NAME}:x:{uid}:{gid}:{NAME}:{HOME}:{_SHELL}\n"
    return own + "".join(f"{line}\n" for of, line in others.items() if of != uid)


def _groups(gid: int) -> str:
    others = {0: "root:x:0:", _NOBODY: f"nogroup:x:{_NOBODY}:"}
    return f"{NAME}:x:{gid}:\n" + "".join(f"{line}\n" for of, line in others.items() if of != gid)
