"""Connections to Postgres: the only file that imports asyncpg.

Faults of the server become Unavailable; faults of a statement stay what they are, bugs.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

import asyncpg

from libs.domain.errors import Unavailable
from libs.postgres import auth
from libs.waiting.retry import retry

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_SECONDS = 30.0
_RECONNECT_SECONDS = 0.05
_IDLE_SECONDS = 15.0  # without use; each takes some MiB of the server's, and 10 ms to open
# One plan of a statement, for all arguments: left to itself, Postgres plans lists anew each time,
# which takes as long as reading a page. And what is read here and there costs about what is read in
# a row: pages are in memory or on an SSD. At 4, its value for disks that turn, a list that has few
# rows on average is sorted rather than read from the end of its index, and small tables are read
# whole. tests/postgres/test_plans.py holds all statements to what they may read.
_PLANS = {"plan_cache_mode": "force_generic_plan", "random_page_cost": "1.1"}
# Kinds of InterfaceError that say nothing of the server: a setting or a use that is wrong.
_BUGS = (
    asyncpg.ClientConfigurationError,
    asyncpg.UnsupportedClientFeatureError,
    asyncpg.UnsupportedServerFeatureError,
)
# Name and oid of the elements, by the array's own oid; these are the same in every Postgres.
ARRAYS = {
    1000: ("bool", 16),
    1001: ("bytea", 17),
    1005: ("int2", 21),
    1007: ("int4", 23),
    1016: ("int8", 20),
    1182: ("date", 1082),
    1185: ("timestamptz", 1184),
    2951: ("uuid", 2950),
}
_NO_QUESTION = SimpleNamespace(name="none")  # the statement that asked, of which the name is read
_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that breaks in the middle of something
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # its disk is full, say, or its connections are taken
    asyncpg.PostgresIOError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


_required: ContextVar[auth.Methods | None] = ContextVar("required", default=None)


class _GuardedProtocol(asyncpg.protocol.Protocol):
    """Answers the server's question who we are only by ways that tell it no more than that; asyncpg
    itself answers by any, and has no setting for it."""

    def __init__(self, address: auth.Address, *more: Any) -> None:
        super().__init__(address, *more)
        self._watch = auth.Watch(auth.allowed(address, _required.get()))

    def data_received(self, data: Any) -> None:
        super().data_received(data if self._watch.over else self._watch.passed(data))


setattr(asyncpg.protocol, "Protocol", _GuardedProtocol)  # noqa: B010 - one is made for each connection


async def _connect_with(required: auth.Methods | None, *args: Any, **more: Any) -> Any:
    _required.set(required)  # in a task's own context, or to what its others need too
    return await asyncpg.connect(*args, **more)


class _ConnectionWithArrays(asyncpg.Connection):
    """Knows what arrays are, which asyncpg asks the server about on each connection: that takes
    10 ms, and 2 MiB that the server keeps."""

    async def _introspect_types(self, typeoids: Collection[int], timeout: float | None) -> Any:
        if all(oid in ARRAYS for oid in typeoids):
            return [_array(oid, *ARRAYS[oid]) for oid in typeoids], _NO_QUESTION
        return await super()._introspect_types(typeoids, timeout)  # type: ignore[misc]


def _array(oid: int, name: str, element: int) -> dict[str, Any]:
    """As asyncpg gets it from the catalogue; without what it doesn't read of an array."""
    told = {"oid": oid, "ns": "pg_catalog", "name": f"_{name}", "elemtype": element}
    rest = {"elemdelim": ",", "attrtypoids": None, "range_subtype": None, "basetype": None}
    return told | rest


class Connection(Protocol):
    """What we use of asyncpg's connection."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str: ...
    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None: ...
    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...


@contextmanager
def _translate_faults(what: str = "Postgres") -> Iterator[None]:
    try:
        yield
    except _BUGS:
        raise
    except _UNAVAILABLE as error:
        raise Unavailable(f"{what}: {error!r}") from error


class Database:
    """One service's pool; every connection's search path is the service's own schema."""

    def __init__(self, pool: asyncpg.Pool, schema: str) -> None:
        self._pool = pool
        self.schema = schema

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        with _translate_faults():
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A transaction in which everything is read as of one moment."""
        with _translate_faults():
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection

    @asynccontextmanager
    async def exclusive(self, key: int) -> AsyncIterator[Connection]:
        """A transaction that waits for others with the same key (an advisory lock)."""
        async with self.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", key)
            yield connection

    def usage(self) -> dict[str, int]:
        """How many connections are in use, are open for the next, and may yet be opened."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return {"used": size - idle, "idle": idle, "unopened": self._pool.get_max_size() - size}

    async def renew(self) -> None:
        """Have new connections from now on: one that has made tables holds on to much memory."""
        await self._pool.expire_connections()

    async def check(self) -> None:
        """For readiness: raises Unavailable when Postgres does not answer."""
        await self.fetchval("SELECT 1")

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        with _translate_faults():
            return list(await self._pool.fetch(query, *args))

    async def fetchrow(self, query: str, *args: Any) -> Any:
        with _translate_faults():
            return await self._pool.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        with _translate_faults():
            return await self._pool.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        with _translate_faults():
            return str(await self._pool.execute(query, *args))


def session_name(schema: str) -> str:
    """By which Postgres's own views tell who is connected to what."""
    return f"rondo {schema}"


@asynccontextmanager
async def connect(
    dsn: str, schema: str, *, durable: bool = False, size: int = 8, least: int = 1
) -> AsyncIterator[Database]:
    """From `least` to `size` connections, the more the more are used at once.

    `durable` makes commits wait for the disk. Without it, rows that somebody has seen may be
    lost when the server is killed, so it is for rows that nobody waits for.

    Waits for a server that is starting; Unavailable after half a minute, and at once for a passfile
    that others may read. Wrong credentials raise
    asyncpg's own error at once. Which ways of telling who we are may be asked for: auth.py.
    """
    settings = {
        "search_path": schema,
        "synchronous_commit": "on" if durable else "off",
        "application_name": session_name(schema),
        **_PLANS,
    }
    pool = await _pool(dsn, settings, least, size)
    try:
        yield Database(pool, schema)
    finally:
        try:
            async with asyncio.timeout(2):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _keep_session(_: object) -> None:
    """Nobody here leaves a session changed, so the query that undoes it is a wait for nothing."""


async def _pool(dsn: str, settings: dict[str, str], least: int, size: int) -> asyncpg.Pool:
    plain, required = auth.parted(dsn)
    auth.check_passfile(dsn)

    async def attempt() -> asyncpg.Pool:
        with _translate_faults("Postgres can't be reached"):
            return await asyncpg.create_pool(
                plain,
                connect=partial(_connect_with, required),
                connection_class=_ConnectionWithArrays,
                min_size=least,
                max_size=size,
                server_settings=settings,
                max_inactive_connection_lifetime=_IDLE_SECONDS,
                command_timeout=30,
                timeout=5,
                reset=_keep_session,
            )

    return await retry(attempt, _CONNECT_TIMEOUT_SECONDS, max_pause=_RECONNECT_SECONDS)
