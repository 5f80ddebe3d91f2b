"""A new database cluster for `rondo up`, made once by a worker and copied from then on: to make one
takes a third of a first start. Demo, small disks and a half-made cluster make their own."""

import asyncio
import atexit
import secrets
import shutil
import subprocess
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

from libs.supervisor.folder import open_folder
from libs.supervisor.postgres import Postgres, wheel_binaries

_PASSWORD = "secrets/postgres-password"  # a file of the data folder


def lay_cluster(data: Path) -> None:
    """Makes the data folder, with an unused cluster; does nothing where there is a folder."""
    if not data.exists():
        subprocess.run(["/bin/cp", "-a", "--", _made(), data], check=True)


@lru_cache(maxsize=1)
def _made() -> Path:
    above = Path(tempfile.mkdtemp(prefix="cluster-"))
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    above.chmod(0o711)  # the way of another uid, which owns a cluster of root's
    maker = threading.Thread(target=asyncio.run, args=(_make(above / "data"),))
    maker.start()  # not here, where a loop may run
    maker.join()
    return above / "data"


async def _make(data: Path) -> None:
    async with open_folder(data) as folder:
        folder.part("secrets")
        password = data / _PASSWORD
        password.write_text(secrets.token_hex(32))
        await Postgres(folder, wheel_binaries()).initialise(password)
