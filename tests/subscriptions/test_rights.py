"""Who sees and changes subscriptions, and where their secrets are not."""

from typing import Any
from uuid import UUID

import pytest

from libs.domain.events import SubscriptionCreated
from libs.domain.ids import subscription_stream
from libs.postgres import pool
from services.api.subscriptions import commands
from services.webhooks.projection import SCHEMA
from tests.api.callers import MEMBER
from tests.api.world import World
from tests.subscriptions.receiver import Receiver
from tests.subscriptions.test_webhooks import create_webhook, of, until_deliveries


async def test_members_read_a_subscription_and_its_creator_and_owners_change_it(
    world: World, member: World, outsider: World, people: dict[str, UUID], receiver: Receiver
) -> None:
    workspace = await world.workspace()
    await world.add_member(workspace, people[MEMBER])
    theirs, ours = (
        await create_webhook(member, receiver, workspace),
        await create_webhook(world, receiver, workspace),
    )
    for who in (world, member):
        found = await who.post("subscriptions/list", {"workspace_id": workspace})
        assert [each["id"] for each in found["subscriptions"]] == [
            of(theirs)["id"],
            of(ours)["id"],
        ]
    await outsider.post("subscriptions/list", {"workspace_id": workspace}, 403)
    assert (await outsider.post("subscriptions/list", {}))["subscriptions"] == []
    for path in ("get_by_id", "pause", "deliveries", "delete"):
        await outsider.post(f"subscriptions/{path}", of(ours), 403)
    for path in ("pause", "test", "deliveries", "delete"):
        await member.post(f"subscriptions/{path}", of(ours), 403)
    await member.post("subscriptions/get_by_id", of(ours))
    await member.post("subscriptions/pause", of(theirs))
    await world.post("subscriptions/delete", of(theirs), 204)
    body = {"workspace_id": workspace, "name": "x", "url": receiver.url}
    await outsider.post("subscriptions/create", body, 403)


async def test_machines_may_neither_create_nor_list_subscriptions(
    world: World, receiver: Receiver
) -> None:
    workspace = await world.workspace()
    body = {"name": "robot", "workspaces": [workspace]}
    token = (await world.post("tokens/create", body))["secret"]
    robot = World(world.service, world.log, token)
    hook = {"workspace_id": workspace, "name": "x", "url": receiver.url}
    await robot.post("subscriptions/create", hook, 403)
    await robot.post("subscriptions/list", {}, 403)


async def test_i9_url_and_secret_lie_nowhere_in_the_clear(world: World, receiver: Receiver) -> None:
    workspace = await world.workspace()
    hook = await create_webhook(world, receiver, workspace)
    await world.task(workspace, await world.orchestration(workspace))
    await until_deliveries(world, hook, 1)
    id = UUID(of(hook)["id"])
    (created,) = await world.log.read(subscription_stream(id))
    assert isinstance(created.event, SubscriptionCreated)
    shown = [created.event, await world.post("subscriptions/get_by_id", of(hook))]
    async with pool.connect(world.service.dsn, SCHEMA, size=1) as rows:
        for table in ("subscription", "cursor", "delivery", "dead_letter"):
            found = await rows.fetch(f"SELECT {table}::text AS row FROM {table}")  # noqa: S608
            shown += [bytes.fromhex(part).decode() for part in _hex(found)] + [str(found)]
    assert of(hook)["id"] in str(shown)
    assert receiver.url.partition("/hook/")[2] not in str(shown)
    assert hook["secret"] not in str(shown)


def _hex(rows: list[Any]) -> list[str]:
    """The byte strings in rows as Postgres writes them."""
    return [
        part.strip('"\\x,()').split('"')[0]
        for row in rows
        for part in row["row"].split(",")
        if "\\x" in part
    ]


async def test_a_workspace_may_have_only_so_many_subscriptions(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MAX_SUBSCRIPTIONS", 2)
    workspace, other = await world.workspace(), await world.workspace()
    for each in (workspace, other, workspace):
        last = await create_webhook(world, receiver, each)
    body = {"workspace_id": workspace, "name": "x", "url": receiver.url}
    refused = await world.post("subscriptions/create", body, 409)
    assert "it has 2 subscriptions; delete one first" in refused["msg"]
    await world.post("subscriptions/delete", of(last), 204)
    await create_webhook(world, receiver, workspace)
