"""What is kept no more: logs that are old, too large, or of pipelines that were deleted.

Rows go first, and name their blobs as garbage in the same transaction; blobs go after them.
"""

from collections.abc import Sequence
from uuid import UUID

from libs.blobs.store import BlobStore
from libs.postgres.pool import Connection, Database
from libs.postgres.statements import load

_SQL = load(__name__)
_DAY_MS = 86_400_000

Place = tuple[UUID, int, int]  # of a segment: pipeline, file, part


class Retention:
    """Keeps what is at most `days` old, and of a pipeline at most `max_bytes`."""

    def __init__(self, database: Database, blobs: BlobStore, days: int, max_bytes: int) -> None:
        self._database, self._blobs = database, blobs
        self._max_age, self._max_bytes = days * _DAY_MS, max_bytes

    async def tick(self, now: int, first_file: int) -> None:
        """`now` is in ms since 1970; `first_file` is the number of the oldest file that is there.
        Raises Unavailable: what was not deleted is deleted next time."""
        while old := await self._database.fetch(_SQL["old_segments"], now - self._max_age):
            await self._delete([tuple(row) for row in old])
        for pipeline in await self._database.fetch(_SQL["large_pipelines"], self._max_bytes):
            await self._shrink(pipeline["pipeline"], pipeline["bytes"] - self._max_bytes)
        await self._database.execute(_SQL["delete_sealed"], first_file)
        await self._sweep()

    async def forget(self, pipeline: UUID, until: int) -> None:
        """Nothing of the pipeline up to that time, in ms since 1970, is read any more."""
        await self._database.execute(_SQL["forget"], pipeline, until)
        while gone := await self._database.fetch(_SQL["forgotten_segments"], pipeline, until):
            await self._delete([tuple(row) for row in gone])
        await self._sweep()

    async def _shrink(self, pipeline: UUID, excess: int) -> None:
        """By the oldest segments."""
        while excess > 0:
            rows = await self._database.fetch(_SQL["oldest_segments"], pipeline)
            if not rows:
                return
            gone: list[Place] = []
            for row in rows:
                if excess > 0:
                    gone.append((row["pipeline"], row["file"], row["part"]))
                    excess -= row["bytes"]
            await self._delete(gone)

    async def _delete(self, segments: Sequence[Place]) -> None:
        async with self._database.transaction() as connection:
            await delete(connection, segments)

    async def _sweep(self) -> None:
        while rows := await self._database.fetch(_SQL["garbage"]):
            keys = [row["key"] for row in rows]
            for key in keys:
                await self._blobs.delete(key)
            await self._database.execute(_SQL["delete_garbage"], keys)


async def delete(connection: Connection, segments: Sequence[Place]) -> None:
    """In a transaction of the caller's; the next sweep takes their blobs."""
    columns = [list(column) for column in zip(*segments, strict=True)]
    await connection.execute(_SQL["delete_runs"], *columns)
    await connection.execute(_SQL["delete_segments"], *columns)
