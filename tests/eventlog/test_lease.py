"""Leases: who is alive is known again soon after the server was killed (I6)."""

import asyncio
import json

from libs.eventlog import lease
from libs.eventlog.nats_client import Nats
from libs.eventlog.streams import LEASE
from libs.waiting.retry import retry
from tests.servers import NatsServer

PATIENCE = 20.0


async def nothing() -> None:
    """For holders that lose nothing with their lease."""


async def held(nats: Nats, holder: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while holder not in await lease.holders(nats):  # noqa: ASYNC110 - a fact of the server
            await asyncio.sleep(0.02)


async def test_a_lease_outlives_a_killed_server(nats: Nats, nats_process: NatsServer) -> None:
    holding = asyncio.create_task(lease.Lease(nats, "one", nothing).hold())
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
    await retry(lambda: lease.holders(nats))


async def test_a_lease_that_nobody_renews_lapses(nats: Nats) -> None:
    holding = asyncio.create_task(lease.Lease(nats, "one", nothing).hold())
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

    holding = asyncio.create_task(lease.Lease(nats, "one", lapsed, clock).hold())
    try:
        async with asyncio.timeout(PATIENCE):
            await told.wait()
        assert not list(renewals), "told too early"
    finally:
        holding.cancel()


async def test_a_holder_whose_clocks_stood_still_is_told_by_the_server(nats: Nats) -> None:
    """As a virtual machine that was held from outside: its clocks know of nothing."""
    told, times = asyncio.Event(), 0

    async def lapsed() -> None:
        nonlocal times
        times += 1
        told.set()

    one = lease.Lease(nats, "one", lapsed, clock=lambda: 0.0)
    holding = asyncio.create_task(one.hold())
    try:
        await held(nats, "one")
        for _ in range(2):  # renewals as they should be tell nobody anything
            await renewed(nats)
        assert not told.is_set()
        await nats.api(f"STREAM.PURGE.{LEASE}", {"filter": "lease.one"})
        async with asyncio.timeout(PATIENCE):
            await told.wait()
        await renewed(nats)
        assert times == 1
    finally:
        holding.cancel()


async def renewed(nats: Nats) -> None:
    """Wait for the next renewal of anybody's."""
    before = await last(nats)
    async with asyncio.timeout(PATIENCE):
        while await last(nats) == before:  # noqa: ASYNC110 - a fact of the server
            await asyncio.sleep(0.02)


async def last(nats: Nats) -> int:
    body = await nats.api(f"STREAM.INFO.{LEASE}")
    return int(json.loads(body)["state"]["last_seq"])


async def test_who_has_lost_its_lease_waits_until_it_is_told_and_has_it_again(nats: Nats) -> None:
    now, going_on = 0.0, asyncio.Event()

    async def lapsed() -> None:
        await going_on.wait()

    one = lease.Lease(nats, "one", lapsed, clock=lambda: now)
    waiting = asyncio.create_task(one.held())
    holding = asyncio.create_task(one.hold())
    try:
        async with asyncio.timeout(PATIENCE):
            await waiting
            now += lease.TTL
            again = asyncio.create_task(one.held())
            now += 1.0
            await renewed(nats)
            assert not again.done()
            going_on.set()
            await again
    finally:
        holding.cancel()
