"""Migrations: numbered .sql files beside the code that reads the tables, applied once, in order.

The schema carries a version in its name. A projection whose rows change in kind gets a new
version: it is built beside the old one, from the log, and the service turns to it when it has
caught up (see retire.py for the end of the old one). So migrations only ever add.
"""

import logging
from importlib.resources import files

from libs.postgres.pool import Database

logger = logging.getLogger(__name__)

# Any number will do, as long as nobody else on this database locks with it.
LOCK = 0x526F6E646F
_SCRIPT_TIMEOUT_SECONDS = 3600.0  # an index over very many rows takes its time

_PREPARE = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.migration (
    name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS {schema}.checkpoint (name text PRIMARY KEY, seq bigint NOT NULL);
"""


async def migrate(database: Database, package: str, most: int | None = None) -> None:
    """Applies what is new in `<package>/migrations/*.sql`, or in the first `most` of them.

    Copies that start together wait for each other.
    """
    folder = files(package) / "migrations"
    scripts = sorted(
        (entry.name, entry.read_text()) for entry in folder.iterdir() if entry.name.endswith(".sql")
    )[:most]
    async with database.exclusive(LOCK) as connection:
        await connection.execute(_PREPARE.format(schema=database.schema))
        done = {row["name"] for row in await connection.fetch("SELECT name FROM migration")}
        missing = [(name, script) for name, script in scripts if name not in done]
        for name, script in missing:
            await connection.execute(script, timeout=_SCRIPT_TIMEOUT_SECONDS)
            await connection.execute("INSERT INTO migration (name) VALUES ($1)", name)
            logger.info("applied %s to schema %s", name, database.schema)
    if missing:
        await database.renew()
