"""Where the platform's unix sockets lie: in folders that nobody else may enter.

The path of a socket may have 107 bytes (unix(7)), which a data folder may leave no room for, and
some file systems have no sockets. Then `sockets` in the data folder is a link to a folder of ours
among the system's temporary ones.
"""

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

from libs.domain.errors import Rejected
from libs.supervisor.folder import Folder

_MAX_PATH_BYTES = 107
_LONGEST_SOCKET = "services/inference.handover"  # of the paths below it
_NAME = "sockets"


def socket_folder(folder: Folder, name: str) -> Path:
    """The folder `name` of mode 0700, in the one for sockets; made if absent."""
    part = _outer(folder) / name
    part.mkdir(mode=0o700, exist_ok=True)
    part.chmod(0o700)
    return part


def service_socket(folder: Folder, service: str) -> Path:
    """Where `service` listens for the others."""
    return socket_folder(folder, "services") / service


def _outer(folder: Folder) -> Path:
    """Under root others pass through it: Postgres' folder in it belongs to another uid."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    folder_path = folder.path / _NAME
    if folder_path.is_symlink():
        if _ours(target := folder_path.readlink()):
            return target
        folder_path.unlink()
    folder_path.mkdir(mode=mode, exist_ok=True)
    if not _fits(folder_path):
        shutil.rmtree(folder_path)
        target = Path(tempfile.mkdtemp(prefix="rondo-"))
        if not _fits(target):
            raise Rejected("invalid", f"TMPDIR {target.parent}: its path is too long for sockets")
        folder_path.symlink_to(target)
        folder_path = target
    folder_path.chmod(mode)
    return folder_path


def _ours(target: Path) -> bool:
    """Somebody else may have made a folder of that name after a cleaning."""
    try:
        found = target.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _fits(folder_path: Path) -> bool:
    if len(os.fsencode(folder_path / _LONGEST_SOCKET)) > _MAX_PATH_BYTES:
        return False
    trial = folder_path / "trial"
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(trial))
    except OSError:
        return False
    trial.unlink()
    return True
