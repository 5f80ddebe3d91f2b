"""Rows belong to one stream: a NATS that was set up anew must not pass for the one they come from.

A checkpoint is a position in a stream. In another stream of the same name it means nothing: the
projection would wait for ever, or leave out events. So a schema remembers when its stream was
created. The service stops where that has changed, or where the stream ends before the checkpoint.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NoReturn

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import Nats
from libs.postgres.pool import Connection, Database
from libs.postgres.statements import load
from libs.waiting.retry import retry

logger = logging.getLogger(__name__)

_SQL = load(__name__)
_PERIOD_SECONDS = 10.0
_LOCK = 0x526F6F74

CREATE_TABLE = "CREATE TABLE IF NOT EXISTS origin (stream text PRIMARY KEY, created text NOT NULL)"


class OtherStream(Exception):
    """The rows are of another stream. The message says which, and the two ways out."""


class _Info(msgspec.Struct):
    class State(msgspec.Struct):
        last_seq: int = 0

    created: str
    state: State


class StreamIdentity:
    """Ties the projections `names` in `database` to the `stream` that they read.

    `derived` rows can be built again from the stream; others (logs of runs, say) are to be kept.
    """

    def __init__(
        self, database: Database, nats: Nats, stream: str, names: Sequence[str], *, derived: bool
    ) -> None:
        self._database = database
        self._nats = nats
        self._stream = stream
        self._names = list(names)
        self._derived = derived

    async def check(self) -> None:
        """Call it before the projections start. Remembers the stream the first time, then compares.

        Raises OtherStream, or Unavailable after 15 s.
        """
        async with self._database.exclusive(_LOCK) as connection:
            await connection.execute(CREATE_TABLE)
        await self.compare()

    async def compare(self) -> None:
        """Compares once more, later on. Raises as `check`."""
        async with self._database.exclusive(_LOCK) as connection:
            await self._compare_in(connection)

    async def _compare_in(self, connection: Connection) -> None:
        # Rows first: the stream only grows, so it is never behind what they said before.
        furthest = await connection.fetchval(_SQL["furthest_checkpoint"], self._names)
        known = await connection.fetchval(_SQL["find_origin"], self._stream)
        info = msgspec.json.decode(
            await retry(lambda: self._nats.api(f"STREAM.INFO.{self._stream}")), type=_Info
        )
        if known not in (None, info.created) or info.state.last_seq < furthest:
            raise OtherStream(self._explanation(info, known, furthest))
        if known is None:
            await connection.execute(_SQL["insert_origin"], self._stream, info.created)

    def _explanation(self, info: _Info, known: str | None, furthest: int) -> str:
        schema = self._database.schema
        start_over = f"DROP SCHEMA {schema} CASCADE"
        if not self._derived:
            start_over = f"DELETE FROM {schema}.checkpoint; DELETE FROM {schema}.origin"  # noqa: S608 - told
        return (
            f"stream {self._stream} of NATS was made at {info.created} and ends at"
            f" {info.state.last_seq}, but the rows in schema {schema} stand at {furthest} of one"
            f" made at {known or 'an unknown time'}: put NATS's data back, or, if it is meant to be"
            f" new, have the rows follow it: {start_over}"
        )


async def watch(*identities: StreamIdentity) -> NoReturn:
    """Compares for ever, since NATS may lose its data while we run. Raises OtherStream."""
    while True:
        await asyncio.sleep(_PERIOD_SECONDS)
        for identity in identities:
            try:
                await identity.compare()
            except Unavailable as problem:
                logger.debug("can't compare with the stream now: %s", problem)
