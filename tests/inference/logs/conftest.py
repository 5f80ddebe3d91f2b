"""A log of pipelines: its folder, its index in Postgres and its blobs."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from libs.blobs.local import LocalStore
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from libs.service.disk_reserve import DiskReserve
from services.inference.logs.read import Reader
from services.inference.logs.seal import Sealer
from services.inference.logs.worker import SCHEMA
from services.inference.logs.write import Writer


@dataclass
class Logs:
    """`sealer` and `reader` are as one process has them."""

    folder: Path
    database: Database
    blobs: LocalStore
    sealer: Sealer
    reader: Reader

    def writer(self) -> Writer:
        return Writer(self.folder, DiskReserve(None, 0), sync_seconds=0.01)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, SCHEMA) as connected:
        await migrate(connected, "services.inference.logs")
        yield connected


@pytest.fixture
def logs(tmp_path: Path, database: Database) -> Logs:
    folder, scratch = tmp_path / "log", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    blobs = LocalStore(tmp_path / "blobs")
    return Logs(
        folder,
        database,
        blobs,
        Sealer(folder, database, blobs, scratch),
        Reader(folder, database, blobs, scratch),
    )


@pytest.fixture
def writer(logs: Logs) -> Iterator[Writer]:
    writer = logs.writer()
    yield writer
    writer.close()
