"""A sealer that is killed at its STEPth step; it says "done" if it has fewer.

python seal_until.py STEP FOLDER DSN
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from libs.blobs.local import LocalStore
from libs.postgres import pool
from libs.postgres.pool import Connection, Database
from services.inference.logs.seal import Sealer
from services.inference.logs.worker import SCHEMA

LAST = int(sys.argv[1]) if __name__ == "__main__" else 0
STEPS = count(1)


def step() -> None:
    if next(STEPS) == LAST:
        os.kill(os.getpid(), signal.SIGKILL)


class Blobs(LocalStore):
    async def put(self, key: str, path: Path) -> None:
        step()
        await super().put(key, path)
        step()


class Index(Database):
    async def fetchval(self, query: str, *args: Any) -> Any:
        step()
        return await super().fetchval(query, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        step()
        async with super().transaction() as connection:
            yield connection
            step()
        step()


async def seal(folder: Path, dsn: str) -> None:
    unlink = Path.unlink

    def unlink_in_steps(path: Path, missing_ok: bool = False) -> None:
        if path.parent == folder / "log":
            step()
            unlink(path, missing_ok)
            step()
        else:
            unlink(path, missing_ok)

    Path.unlink = unlink_in_steps  # type: ignore[method-assign, assignment]
    async with pool.connect(dsn, SCHEMA, size=1) as database:
        index = Index(database._pool, SCHEMA)
        blobs = Blobs(folder / "blobs")
        await Sealer(folder / "log", index, blobs, folder / "scratch").tick()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    asyncio.run(seal(Path(sys.argv[2]), sys.argv[3]))
