"""The chunks' day partitions: creates them ahead of time, and drops those that are too old."""

import asyncio
import logging
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from libs.domain.errors import Unavailable
from libs.postgres.pool import Connection, Database

logger = logging.getLogger(__name__)

_TICK_INTERVAL_SECONDS = 600.0
_DAYS_AHEAD = 3
_NAME = re.compile(r"chunk_(\d{4})(\d\d)(\d\d)")

# Held by whoever relies on partitions staying as they are, or changes them. Reads go on.
LOCK = "LOCK TABLE chunk IN SHARE UPDATE EXCLUSIVE MODE"

_EXISTS = "SELECT to_regclass($1) IS NOT NULL"
_CREATE = "CREATE TABLE {name} PARTITION OF chunk FOR VALUES FROM ('{day}') TO ('{next}')"
_PARTITIONS = """
SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid
WHERE inhparent = 'chunk'::regclass
"""


def _name(day: date) -> str:
    return f"chunk_{day:%Y%m%d}"


async def ensure_partitions(connection: Connection, days: Iterable[date]) -> None:
    """Creates the missing partitions of these days. The caller's transaction holds LOCK."""
    for day in sorted(set(days)):
        if not await connection.fetchval(_EXISTS, _name(day)):
            await connection.execute(
                _CREATE.format(name=_name(day), day=day, next=day + timedelta(days=1))
            )


async def _partition_days(connection: Connection) -> list[date]:
    names = (_NAME.fullmatch(row["relname"]) for row in await connection.fetch(_PARTITIONS))
    return sorted(date(*map(int, name.groups())) for name in names if name)


class Retention:
    """Keeps the chunks of the last `days` days."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._max_age = timedelta(days=days)

    async def run(self) -> None:
        """Ticks every ten minutes, for ever; what could not be dropped now is dropped next time."""
        while True:
            try:
                await self.tick(datetime.now(UTC))
            except Unavailable as problem:
                logger.warning("retention waits: %s", problem)
            await asyncio.sleep(_TICK_INTERVAL_SECONDS)

    async def tick(self, now: datetime) -> list[date]:
        """Creates the partitions of the next days; drops the days that are too old and returns
        them."""
        today = now.astimezone(UTC).date()
        async with self._database.transaction() as connection:
            await connection.execute(LOCK)
            await ensure_partitions(
                connection, [today + timedelta(days=n) for n in range(_DAYS_AHEAD)]
            )
            old = [day for day in await _partition_days(connection) if day < today - self._max_age]
            for day in old:
                await connection.execute(f"DROP TABLE {_name(day)}")
        for day in old:
            logger.info("dropped the logs of %s", day)
        return old
