"""Leases: who is alive is known again soon after the server was killed (I6)."""

import asyncio

from libs.eventlog import lease
from libs.eventlog.patience import patiently
from libs.eventlog.wire import Nats
from tests.servers import NatsServer

PATIENCE = 20.0


async def nothing() -> None:
    """For holders that lose nothing with their lease."""


async def held(nats: Nats, holder: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while holder not in await lease.holders(nats):  # noqa: ASYNC110 - a fact of the server
            await asyncio.sleep(0.02)


async def test_a_lease_outlives_a_killed_server(nats: Nats, nats_process: NatsServer) -> None:
    holding = asyncio.create_task(lease.hold(nats, "one", nothing))
    try:
        await held(nats, "one")
        nats_process.stop()
        nats_process.start()
        await lease_can_be_read(nats)
        await held(nats, "one")
    finally:
        holding.cancel()


async def lease_can_be_read(nats: Nats) -> None:
    """The first answer after the restart says who is alive; it is no error of JetStream."""
    await patiently(lambda: lease.holders(nats))


async def test_a_lease_that_nobody_renews_lapses(nats: Nats) -> None:
    holding = asyncio.create_task(lease.hold(nats, "one", nothing))
    await held(nats, "one")
    holding.cancel()
    async with asyncio.timeout(PATIENCE):
        while await lease.holders(nats):  # noqa: ASYNC110 - a fact of the server
            await asyncio.sleep(0.02)


async def test_a_holder_that_was_away_too_long_is_told(nats: Nats) -> None:
    renewals = iter([0.0, 1.0, 2.0, 2.0 + lease.TTL + 0.1])
    told = asyncio.Event()

    async def lapsed() -> None:
        told.set()
        await asyncio.Event().wait()

    def clock() -> float:
        assert not told.is_set()
        return next(renewals)

    holding = asyncio.create_task(lease.hold(nats, "one", lapsed, clock))
    try:
        async with asyncio.timeout(PATIENCE):
            await told.wait()
        assert not list(renewals), "told too early"
    finally:
        holding.cancel()
