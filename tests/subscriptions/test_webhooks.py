"""Webhooks: signed, in order, tried again, given up on, and ended with their creator's rights."""

from typing import Any
from uuid import uuid4

from tests.api.world import World
from tests.subscriptions.receiver import Receiver


async def made(world: World, receiver: Receiver, workspace: int, **more: Any) -> Any:
    """A webhook as it was created, its secret included."""
    body = {"workspace_id": workspace, "name": "hook", "url": receiver.url, **more}
    return await world.post("subscriptions/create", body, 201)


async def happens(world: World, workspace: int, number: int) -> None:
    """So many members come: an event each."""
    for _ in range(number):
        await world.add_member(workspace, uuid4())


async def test_events_come_signed_and_in_order(world: World, receiver: Receiver) -> None:
    workspace = await world.workspace()
    hook = await made(world, receiver, workspace)
    await happens(world, workspace, 3)
    await receiver.until(lambda: len(receiver.taken) == 3)
    for each in receiver.taken:
        each.verify(hook["secret"])
        assert each.headers["webhook-id"] == each.event["id"]
        assert each.headers["Content-Type"] == "application/cloudevents+json"
    events = [each.event for each in receiver.taken]
    assert [event["type"] for event in events] == ["WorkspaceMemberAdded"] * 3
    assert sorted(event["sequence"] for event in events) == [e["sequence"] for e in events]
    shown = await world.service.call(
        "GET", f"/v1/api/events?workspace={workspace}&types=WorkspaceMemberAdded", world.token
    )
    assert shown.body["events"] == events, "as GET /v1/api/events has them"
