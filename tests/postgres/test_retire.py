"""I4: a new version of a view is built beside the old one, which goes when nobody reads it."""

import asyncio
from contextlib import AsyncExitStack

from libs.postgres import pool
from libs.postgres.retire import retire, tick

_ALL = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'shop_') ORDER BY 1"


async def schemas(database: pool.Database) -> list[str]:
    return [row["nspname"] for row in await database.fetch(_ALL)]


async def test_an_old_version_stays_while_it_is_read_and_goes_then(dsn: str) -> None:
    async with pool.connect(dsn, "shop_v10", size=1) as new, AsyncExitStack() as reader:
        for name in ("shop_v2", "shop_v9", "shop_v10", "shop_v11", "shop_very_old", "shop_v"):
            await new.execute(f"CREATE SCHEMA {name}")
        await new.execute("CREATE TABLE shop_v2.thing (id integer)")
        old = await reader.enter_async_context(pool.connect(dsn, "shop_v9", size=1))
        await old.check()
        assert await tick(new) == ["shop_v9"]
        kept = ["shop_v", "shop_v10", "shop_v11", "shop_v9", "shop_very_old"]
        assert await schemas(new) == kept
        retiring = asyncio.create_task(retire(new, period=0.01))
        await reader.aclose()
        async with asyncio.timeout(30):
            await retiring
        assert await schemas(new) == [name for name in kept if name != "shop_v9"]


async def test_a_schema_without_a_version_has_no_old_ones(dsn: str) -> None:
    async with pool.connect(dsn, "shop_very_old", size=1) as database:
        await database.execute("CREATE SCHEMA shop_v1")
        assert await tick(database) == []
        assert await schemas(database) == ["shop_v1"]
