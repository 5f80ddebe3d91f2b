"""Old versions of a schema: dropped when nothing reads them any more.

A view that changes in kind is a new version, `<name>_v<N>`, built from the log beside the old one.
Services of the version before go on with theirs until they end, so an upgrade that starts new ones
before it ends old ones has no pause.
"""

import asyncio
import logging
import re

from libs.domain.errors import Unavailable
from libs.postgres.migrate import LOCK
from libs.postgres.pool import Database, session_name

logger = logging.getLogger(__name__)

_PERIOD_SECONDS = 60.0
_VERSION = re.compile(r"(.+_v)(\d+)")

_SCHEMAS = "SELECT nspname AS name FROM pg_namespace WHERE starts_with(nspname, $1)"
_USED = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"


async def retire(database: Database, period: float = _PERIOD_SECONDS) -> None:
    """Ends when no older version of the database's own schema is left."""
    while True:
        try:
            if not await tick(database):
                return
        except Unavailable as problem:
            logger.warning("old schemas stay for now: %s", problem)
        await asyncio.sleep(period)


async def tick(database: Database) -> list[str]:
    """Drops what nobody is connected to; gives the old versions that are still in use."""
    kept = []
    for schema in await _older(database):
        if await database.fetchval(_USED, session_name(schema)):
            kept.append(schema)
        else:
            async with database.exclusive(LOCK) as connection:
                await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
            logger.info("dropped schema %s: %s has taken its place", schema, database.schema)
    return kept


async def _older(database: Database) -> list[str]:
    mine = _VERSION.fullmatch(database.schema)
    if mine is None:
        return []
    family, version = mine[1], int(mine[2])
    names = [row["name"] for row in await database.fetch(_SCHEMAS, family)]
    numbers = [(name, name.removeprefix(family)) for name in names]
    return [name for name, number in numbers if number.isdecimal() and int(number) < version]
