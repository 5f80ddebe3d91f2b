"""Whose fault it is: what a server that is away does to us can be tried again, a bug can't."""

import asyncio
import signal
from collections.abc import Iterator
from typing import Any, NoReturn
from uuid import UUID

import asyncpg
import pytest

from libs.domain.errors import Unavailable
from libs.postgres import pool
from libs.postgres.pool import Database
from tests.servers import PostgresServer, postgres_server

BUGS = {
    "an argument of another type": ("SELECT $1::integer", "one", asyncpg.DataError),
    "an argument out of range": ("SELECT $1::integer", 2**40, asyncpg.DataError),
    "no such table": ("SELECT 1 FROM nowhere WHERE $1", True, asyncpg.UndefinedTableError),
}


@pytest.mark.parametrize("name", BUGS)
async def test_bugs_stay_bugs(name: str, dsn: str) -> None:
    query, argument, expected = BUGS[name]
    async with pool.connect(dsn, "public", size=1) as database:
        with pytest.raises(expected):
            await database.fetchval(query, argument)
        with pytest.raises(expected):
            async with database.transaction() as connection:
                await connection.fetchval(query, argument)
        assert await database.fetchval("SELECT 1") == 1


async def test_settings_that_no_server_takes() -> None:
    with pytest.raises(asyncpg.ClientConfigurationError):
        async with pool.connect("postgresql:///?sslmode=nonsense", "public"):
            pass


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "58030"])
async def test_a_server_that_lacks_something_is_waited_for(dsn: str, state: str) -> None:
    """A disk (`could not extend file`), memory, connections; or its disk is broken."""
    lacks = f"DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '{state}'; END $$"
    async with pool.connect(dsn, "public", size=1) as database:
        with pytest.raises(Unavailable, match="full"):
            await database.execute(lacks)
        with pytest.raises(Unavailable, match="full"):
            async with database.transaction() as connection:
                await connection.execute(lacks)
        assert await database.fetchval("SELECT 1") == 1


async def test_a_connection_that_breaks_in_the_middle_of_something(dsn: str) -> None:
    """Its state machine says so, in an error that is no InterfaceError."""
    async with pool.connect(dsn, "public", size=1) as database:
        with pytest.raises(Unavailable, match="cannot switch to state"):
            async with database.transaction():
                raise asyncpg.InternalClientError("cannot switch to state 12; another operation")
        assert await database.fetchval("SELECT 1") == 1


async def test_what_we_know_of_arrays_is_what_the_server_says(dsn: str) -> None:
    query = """SELECT a.oid, e.typname, e.oid FROM pg_type a JOIN pg_type e ON e.oid = a.typelem
        WHERE a.oid::int = ANY ($1) AND a.typdelim = ','"""
    async with pool.connect(dsn, "public", size=1) as database:
        rows = await database.fetch(query, list(pool.ARRAYS))
    assert {array: (name, element) for array, name, element in rows} == pool.ARRAYS


async def test_the_server_is_not_asked_about_arrays(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that asyncpg still asks by the method that we put ourselves in front of."""
    asked, ask = [], getattr(asyncpg.Connection, "_introspect_types")  # noqa: B009 - untyped

    async def counted(self: Any, typeoids: Any, timeout: Any) -> Any:
        asked.append(set(typeoids))
        return await ask(self, typeoids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    async with pool.connect(dsn, "public", size=1) as database:
        assert await database.fetchval("SELECT $1::bigint[]", [1, 2]) == [1, 2]
        some = [UUID(int=1), None]
        assert await database.fetchval("SELECT $1::uuid[]", some) == some
        assert not asked
        assert await database.fetchval("SELECT $1::money[]", ["1"])
        assert len(asked) == 1


@pytest.fixture
def mortal() -> Iterator[PostgresServer]:
    """A server of the test's own, to be killed."""
    with postgres_server() as server:
        yield server


async def _works_until_it_fails(database: Database) -> NoReturn:
    while True:
        async with database.transaction() as connection:
            await connection.execute("SELECT 1")
        await database.fetchval("SELECT pg_sleep(0.001)")
        async with database.snapshot() as connection:
            await connection.fetch("SELECT generate_series(1, 1000)")


async def test_a_server_that_is_killed_is_unavailable(mortal: PostgresServer) -> None:
    """Wherever in a transaction each connection was just then; and the pool recovers."""
    dsn = await mortal.new_database("mortal")
    async with pool.connect(dsn, "public") as database:
        for sig in (signal.SIGQUIT, signal.SIGINT):  # its connections end at once, or are told
            at_work = [asyncio.create_task(_works_until_it_fails(database)) for _ in range(16)]
            await database.fetchval("SELECT pg_sleep(0.1)")
            await asyncio.to_thread(mortal.stop, sig)
            ends = await asyncio.gather(*at_work, return_exceptions=True)
            assert {type(end) for end in ends} == {Unavailable}, ends
            with pytest.raises(Unavailable):
                await database.check()
            await asyncio.to_thread(mortal.start)
            await _answers(database)


async def _answers(database: Database) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                return await database.check()
            except Unavailable:
                await asyncio.sleep(0.02)
