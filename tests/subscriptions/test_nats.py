"""Subscribers on NATS: they get their workspace's events, and can do nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from libs.domain.events import WorkspaceMemberRemoved
from libs.domain.ids import workspace_stream
from tests.api.callers import MEMBER
from tests.api.world import World
from tests.platform import PATIENCE
from tests.servers import TOKEN
from tests.subscriptions.test_webhooks import add_members, of

REFUSED = b"-ERR 'Authorization Violation'\r\n"
NEXT = "$JS.API.CONSUMER.MSG.NEXT.EVENTS"


async def create_feed(world: World, workspace: int, **more: Any) -> Any:
    body = {"workspace_id": workspace, "kind": "nats", "name": "feed", **more}
    return await world.post("subscriptions/create", body, 201)


class Subscriber:
    """As the documentation has it, and with what one may try beyond."""

    def __init__(self, client: Client, access: Any, problems: "asyncio.Queue[str]") -> None:
        self.client = client
        self.consumer = access["consumer"]
        self.inbox = access["inbox_prefix"]
        self._problems = problems

    async def pulled(self, number: int, patience: float = PATIENCE) -> list[Any]:
        """The next so many messages, acknowledged one by one. TimeoutError."""
        subscription = await self.client.jetstream().pull_subscribe_bind(self.consumer, "EVENTS")
        found: list[Any] = []
        try:
            while len(found) < number:
                found += await subscription.fetch(1, timeout=patience)
                await found[-1].ack_sync(patience)
        finally:
            await subscription.unsubscribe()
        return found

    async def no_more(self) -> None:
        """Fails if another message comes in a moment."""
        with pytest.raises(TimeoutError):
            await self.pulled(1, patience=0.5)

    async def problem(self) -> str:
        """What the server did not let pass, in lower case."""
        async with asyncio.timeout(PATIENCE):
            return await self._problems.get()

    async def publish(self, subject: str, body: bytes, reply: str = "") -> None:
        """Sent and looked at by the server when it returns."""
        await self.client.publish(subject, body, reply=reply)
        await self.client.flush()


@asynccontextmanager
async def connected(feed: Any) -> AsyncIterator[Subscriber]:
    access, problems = feed["nats"], asyncio.Queue[str]()

    async def heard(problem: Exception) -> None:
        problems.put_nowait(str(problem).lower())

    client = await nats.connect(
        access["url"],
        user=access["user"],
        password=feed["secret"],
        inbox_prefix=access["inbox_prefix"].encode(),
        error_cb=heard,
        allow_reconnect=False,
        connect_timeout=int(PATIENCE),
    )
    try:
        yield Subscriber(client, access, problems)
    finally:
        await client.close()


async def test_a_subscriber_gets_the_events_of_its_workspace_only(world: World) -> None:
    workspace, other = await world.workspace(), await world.workspace()
    feed = await create_feed(world, workspace)
    await add_members(world, other, 1)
    await add_members(world, workspace, 3)
    async with connected(feed) as subscriber:
        got = await subscriber.pulled(3)
        await subscriber.no_more()
    assert [each.subject for each in got] == [f"event.{workspace}.workspace.{workspace}"] * 3
    assert [each.headers["ce-type"] for each in got] == ["WorkspaceMemberAdded"] * 3
    places = [each.metadata.sequence.stream for each in got]
    assert places == sorted(set(places))


async def test_a_subscriber_with_an_aggregate_gets_only_its_events(world: World) -> None:
    workspace, task = await world.ready_task()
    feed = await create_feed(world, workspace, aggregate=f"task:{task}")
    await add_members(world, workspace, 1)
    await world.killed(workspace, task)
    async with connected(feed) as subscriber:
        got = await subscriber.pulled(1)
        await subscriber.no_more()
    assert [each.headers["ce-type"] for each in got] == ["TaskKilled"]


async def greeting(feed: Any, user: str, password: str) -> bytes:
    """What the server says to these; by hand: a client that is refused leaves its socket open."""
    where = urlsplit(feed["nats"]["url"])
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        assert (await reader.readline()).startswith(b"INFO")
        who = {"user": user, "pass": password, "verbose": False, "pedantic": False}
        writer.write(b"CONNECT " + json.dumps(who).encode() + b"\r\nPING\r\n")
        async with asyncio.timeout(PATIENCE):
            return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def is_let_in(feed: Any) -> bool:
    return await greeting(feed, feed["nats"]["user"], feed["secret"]) == b"PONG\r\n"


@pytest.mark.parametrize("secret", ["", "guess", TOKEN])
async def test_unknown_users_and_wrong_passwords_are_refused(world: World, secret: str) -> None:
    feed = await create_feed(world, await world.workspace())
    assert await is_let_in(feed)
    assert await greeting(feed, feed["nats"]["user"], secret) == REFUSED
    for user in ("", "rondo", str(uuid4()), "a" * 1000):
        assert await greeting(feed, user, feed["secret"]) == REFUSED


@asynccontextmanager
async def as_platform(feed: Any) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(feed["nats"]["url"], user="rondo", password=TOKEN)
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def server_state(feed: Any) -> tuple[dict[str, int], set[str], int]:
    """How much is in which stream, which consumers there are, how much `shredder` was given."""
    async with as_platform(feed) as js:
        held = {one.config.name: one.state.messages for one in await js.streams_info()}
        del held["STATUS"]  # what services say of themselves, now and then
        consumers = {one.name: one for one in await js.consumers_info("EVENTS")}
        names = {name for name in consumers if not name.startswith("follow-")}
        return held, names, consumers["shredder"].delivered.consumer_seq


@pytest.mark.parametrize(
    "subject",
    [
        "event.1.task.x",
        "log.1.x",
        "$JS.API.STREAM.DELETE.EVENTS",
        "$JS.API.STREAM.INFO.EVENTS",
        "$JS.API.STREAM.MSG.GET.EVENTS",
        "$JS.API.DIRECT.GET.EVENTS.event.1.workspace.1",
        "$JS.API.CONSUMER.CREATE.EVENTS.mine",
        "$JS.API.CONSUMER.LIST.EVENTS",
        "$JS.API.CONSUMER.DELETE.EVENTS.shredder",
        f"{NEXT}.shredder",
        "$JS.ACK.EVENTS.shredder.1.1.1.1.0",
        "$SYS.REQ.USER.AUTH",
        "$SYS.REQ.SERVER.PING",
    ],
)
async def test_a_subscriber_may_publish_to_no_other_subject(world: World, subject: str) -> None:
    async with connected(await create_feed(world, await world.workspace())) as subscriber:
        await subscriber.publish(subject, b"")
        assert "permissions violation for publish" in await subscriber.problem()
        assert subscriber.client.is_connected


@pytest.mark.parametrize("subject", [">", "event.>", "_INBOX.>", "$JS.>", "$SYS.>"])
async def test_a_subscriber_may_subscribe_to_no_other_subject(world: World, subject: str) -> None:
    async with connected(await create_feed(world, await world.workspace())) as subscriber:
        await subscriber.client.subscribe(subject)
        assert "permissions violation for subscription" in await subscriber.problem()


@pytest.mark.parametrize(
    "reply",
    [
        "event.1.task.x",
        "log.1.x",
        "$JS.API.STREAM.DELETE.EVENTS",
        "$JS.API.STREAM.PURGE.EVENTS",
        f"{NEXT}.shredder",
        "$JS.API.CONSUMER.DELETE.EVENTS.shredder",
    ],
)
async def test_a_requests_reply_reaches_no_subject_of_the_platform(
    world: World, reply: str
) -> None:
    """A request's answer goes wherever the request says, by the server's own hand."""
    workspace = await world.workspace()
    feed = await create_feed(world, workspace)
    await add_members(world, workspace, 3)
    before = await server_state(feed)
    async with connected(feed) as subscriber:
        info, own = (
            f"$JS.API.CONSUMER.INFO.EVENTS.{subscriber.consumer}",
            f"{NEXT}.{subscriber.consumer}",
        )
        await subscriber.publish(info, b"", reply)
        await subscriber.publish(own, b'{"batch":1}', reply)
        heard = await subscriber.client.subscribe(f"{subscriber.inbox}.x")
        await subscriber.publish(own, b'{"batch":1,"expires":1000000000}', f"{subscriber.inbox}.x")
        # An event or, while the first one is on its way to nowhere, a status.
        await heard.next_msg(PATIENCE)
        await subscriber.publish(own, b'{"no_wait":true}', reply)
        await subscriber.client.request(info, timeout=PATIENCE)
    assert await server_state(feed) == before


async def test_an_acknowledgements_reply_reaches_no_subject_of_the_platform(world: World) -> None:
    workspace = await world.workspace()
    feed = await create_feed(world, workspace)
    await add_members(world, workspace, 2)
    async with connected(feed) as subscriber:
        subscription = await subscriber.client.jetstream().pull_subscribe_bind(
            subscriber.consumer, "EVENTS"
        )
        before = await server_state(feed)
        for reply in ("$JS.API.STREAM.DELETE.LOGS", "event.1.task.x"):
            (message,) = await subscription.fetch(1, timeout=PATIENCE)
            await subscriber.publish(message.reply, b"+ACK", reply)
    assert await server_state(feed) == before


async def test_a_subscriber_reads_no_other_subscribers_events(world: World) -> None:
    workspace = await world.workspace()
    one, other = await create_feed(world, workspace), await create_feed(world, workspace)
    await add_members(world, workspace, 1)
    async with connected(one) as subscriber, connected(other) as victim:
        await subscriber.publish(f"{NEXT}.{victim.consumer}", b"", f"{subscriber.inbox}.x")
        await subscriber.client.subscribe(f"{victim.inbox}.>")
        assert "permissions violation for publish" in await subscriber.problem()
        assert "permissions violation for subscription" in await subscriber.problem()
        await victim.pulled(1)
        await victim.no_more()


async def test_deleting_ends_open_connections_too(world: World) -> None:
    """Also on a connection that is open."""
    workspace = await world.workspace()
    feed = await create_feed(world, workspace)
    await add_members(world, workspace, 1)
    async with connected(feed) as subscriber:
        await subscriber.pulled(1)
        assert await world.post("subscriptions/delete", of(feed), 204) == ""
        await add_members(world, workspace, 1)
        with pytest.raises(nats.errors.Error) as ended:
            await subscriber.pulled(1)
        assert not isinstance(ended.value, TimeoutError)
    assert str(feed["subscription"]["id"]) not in (await server_state(feed))[1]
    assert not await is_let_in(feed)


async def test_a_nats_subscriber_ends_with_its_owners_membership(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    workspace = await world.workspace()
    await world.add_member(workspace, people[MEMBER])
    feed = await create_feed(member, workspace)
    left = WorkspaceMemberRemoved(user=str(people[MEMBER]))
    await world.append(workspace_stream(workspace), left)
    await world.service.caught_up()
    assert not await is_let_in(feed)
    async with asyncio.timeout(PATIENCE):
        while feed["nats"]["consumer"] in (await server_state(feed))[1]:
            pass


async def test_events_of_a_pause_are_read_after_it(world: World) -> None:
    workspace = await world.workspace()
    feed = await create_feed(world, workspace)
    await world.post("subscriptions/pause", of(feed))
    await add_members(world, workspace, 2)
    async with connected(feed) as subscriber:
        await subscriber.no_more()
        await world.post("subscriptions/resume", of(feed))
        await subscriber.pulled(2)


async def test_types_and_url_are_refused_for_nats(world: World) -> None:
    body = {"workspace_id": await world.workspace(), "kind": "nats", "name": "feed"}
    for wrong in ({"types": ["RunFinished"]}, {"url": "https://example.org"}):
        refused = await world.post("subscriptions/create", {**body, **wrong}, 400)
        assert refused["msg"].split(":")[0] in wrong
    feed = await world.post("subscriptions/create", body, 201)
    await world.post("subscriptions/test", of(feed), 400)
