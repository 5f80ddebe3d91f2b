"""Webhooks: signed, in order, tried again, given up on, and ended with their creator's rights."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from libs.domain.events import WorkspaceMemberRemoved
from libs.domain.ids import workspace_stream
from tests.api.callers import MEMBER
from tests.api.world import World
from tests.platform import PATIENCE
from tests.subscriptions.receiver import Receiver


async def create_webhook(world: World, receiver: Receiver, workspace: int, **more: Any) -> Any:
    """A webhook as it was created, its secret included."""
    body = {"workspace_id": workspace, "name": "hook", "url": receiver.url, **more}
    return await world.post("subscriptions/create", body, 201)


async def add_members(world: World, workspace: int, number: int) -> None:
    """So many members come: an event each."""
    for _ in range(number):
        await world.add_member(workspace, uuid4())


async def test_events_are_delivered_signed_and_in_order(world: World, receiver: Receiver) -> None:
    workspace = await world.workspace()
    hook = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 3)
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


async def test_a_webhook_gets_only_its_types_and_its_aggregate(
    world: World, receiver: Receiver
) -> None:
    workspace, task = await world.ready_task()
    one = await world.run(workspace, task)
    await create_webhook(world, receiver, workspace, types=["RunFinished"])
    await create_webhook(world, receiver, workspace, aggregate=f"task:{task}")
    await world.run(workspace, one, "success")
    await world.killed(workspace, task)
    await receiver.until(lambda: len(receiver.taken) == 2)
    assert {hook.event["type"] for hook in receiver.taken} == {"RunFinished", "TaskKilled"}


async def test_an_event_that_is_retried_holds_up_those_after_it(
    patient: World, receiver: Receiver
) -> None:
    workspace = await patient.workspace()
    refusals = iter([500, 302, 429])
    receiver.answer = lambda _: next(refusals, 204)
    hook = await create_webhook(patient, receiver, workspace)
    await add_members(patient, workspace, 3)
    await receiver.until(lambda: len(receiver.taken) == 3)
    ids = [each.headers["webhook-id"] for each in receiver.hooks]
    assert len(set(ids)) == 3
    assert ids[:4] == [ids[0]] * 4, "the first three times it was refused, then taken"
    assert all(each.headers["Host"] == f"127.0.0.1:{receiver.port}" for each in receiver.hooks)
    shown = await until_deliveries(patient, hook, 6)
    assert [each["attempt"] for each in shown] == [1, 1, 4, 3, 2, 1]
    assert [each["status"] for each in shown] == [204, 204, 204, 429, 302, 500]
    assert shown[-1]["problem"] == "the receiver answered 500"


async def until_deliveries(world: World, hook: Any, number: int) -> list[Any]:
    """They are written down a moment after they are made."""
    async with asyncio.timeout(PATIENCE):
        while True:
            shown = await world.post("subscriptions/deliveries", of(hook))
            if len(shown["deliveries"]) >= number:
                return list(shown["deliveries"])


def of(hook: Any) -> dict[str, Any]:
    return {"id": hook["subscription"]["id"]}


async def until_dead_letters(world: World, hook: Any, number: int) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await world.post("subscriptions/dead_letters", of(hook))
            if len(found["dead_letters"]) == number:
                return list(found["dead_letters"])


async def test_an_event_given_up_is_a_dead_letter_that_can_be_retried(
    world: World, receiver: Receiver
) -> None:
    workspace = await world.workspace()
    poison: list[str] = []
    receiver.answer = lambda event: 500 if event["id"] in poison or not poison else 204
    hook = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    await receiver.until(lambda: len(receiver.hooks) == 1)
    poison.append(receiver.hooks[0].event["id"])
    await add_members(world, workspace, 2)
    await receiver.until(lambda: len(receiver.taken) == 2)
    (letter,) = await until_dead_letters(world, hook, 1)
    assert letter["event"] == poison[0]
    assert letter["attempts"] == len(receiver.hooks) - 2 > 1
    assert letter["problem"] == "the receiver answered 500"
    by_id = {**of(hook), "sequence": letter["sequence"]}
    again = await world.post("subscriptions/retry", by_id)
    assert (again["delivered"], again["status"]) == (False, 500)
    await until_dead_letters(world, hook, 1)
    receiver.answer = lambda _: 204
    assert (await world.post("subscriptions/retry", by_id))["delivered"]
    assert receiver.hooks[-1].body == receiver.hooks[0].body
    receiver.hooks[-1].verify(hook["secret"])
    await until_dead_letters(world, hook, 0)
    refused = await world.post("subscriptions/retry", by_id, 404)
    assert refused["msg"].startswith("sequence: there is no dead letter")


async def test_a_discarded_dead_letter_is_gone(world: World, receiver: Receiver) -> None:
    workspace = await world.workspace()
    receiver.answer = lambda _: 410
    hook = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    (letter,) = await until_dead_letters(world, hook, 1)
    by_id = {**of(hook), "sequence": letter["sequence"]}
    assert await world.post("subscriptions/discard", by_id, 204) == ""
    await until_dead_letters(world, hook, 0)
    await world.post("subscriptions/discard", by_id, 404)


async def test_delivery_goes_on_once_a_receiver_is_back(world: World) -> None:
    """Nobody listens at first; its status says so."""
    receiver = Receiver()
    workspace = await world.workspace()
    hook = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    first, *_ = await until_deliveries(world, hook, 1)
    assert first["status"] is None
    assert first["problem"].startswith("can't connect: ")
    assert "s3cr3t" not in first["problem"]
    (letter,) = await until_dead_letters(world, hook, 1)
    async with receiver.serving():
        await add_members(world, workspace, 1)
        await receiver.until(lambda: len(receiver.taken) == 1)
    assert receiver.taken[0].event["id"] != letter["event"]
    by_id = {**of(hook), "sequence": letter["sequence"]}
    assert not (await world.post("subscriptions/retry", by_id))["delivered"]


async def test_events_of_a_pause_are_delivered_after_it(world: World, receiver: Receiver) -> None:
    workspace = await world.workspace()
    hook = await create_webhook(world, receiver, workspace)
    assert (await world.post("subscriptions/pause", of(hook)))["paused"] is True
    await add_members(world, workspace, 2)
    other = await create_webhook(world, receiver, workspace, name="second")
    await add_members(world, workspace, 1)
    await receiver.until(lambda: len(receiver.taken) == 1)
    receiver.taken[0].verify(other["secret"])
    assert (await world.post("subscriptions/resume", of(hook)))["paused"] is False
    await receiver.until(lambda: len(receiver.taken) == 4)


async def test_a_deleted_webhook_gets_nothing(world: World, receiver: Receiver) -> None:
    workspace = await world.workspace()
    hook = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    await receiver.until(lambda: len(receiver.taken) == 1)
    assert await world.post("subscriptions/delete", of(hook), 204) == ""
    other = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    await receiver.until(lambda: len(receiver.taken) == 2)
    receiver.taken[1].verify(other["secret"])
    for path in ("get_by_id", "pause", "test", "deliveries"):
        await world.post(f"subscriptions/{path}", of(hook), 404)


async def test_a_webhook_ends_with_its_owners_membership(
    world: World, member: World, people: dict[str, UUID], receiver: Receiver
) -> None:
    workspace = await world.workspace()
    await world.add_member(workspace, people[MEMBER])
    hook = await create_webhook(member, receiver, workspace)
    kept = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    await receiver.until(lambda: len(receiver.taken) == 2)
    left = WorkspaceMemberRemoved(user=str(people[MEMBER]))
    await world.append(workspace_stream(workspace), left)
    await add_members(world, workspace, 1)
    await receiver.until(lambda: len(receiver.taken) == 4)
    for each in receiver.taken[2:]:
        each.verify(kept["secret"])
    async with asyncio.timeout(PATIENCE):
        while (await listed(world, workspace)) != [kept["subscription"]["id"]]:
            pass
    await member.post("subscriptions/get_by_id", of(hook), 404)


async def listed(world: World, workspace: int) -> list[str]:
    found = await world.post("subscriptions/list", {"workspace_id": workspace})
    return [each["id"] for each in found["subscriptions"]]


async def test_a_ping_reports_what_the_receiver_answered(world: World, receiver: Receiver) -> None:
    hook = await create_webhook(world, receiver, await world.workspace())
    good = await world.post("subscriptions/test", of(hook))
    assert (good["delivered"], good["status"], good["problem"]) == (True, 204, "")
    receiver.hooks[0].verify(hook["secret"])
    assert receiver.hooks[0].event["type"] == "Ping"
    receiver.answer = lambda _: 503
    bad = await world.post("subscriptions/test", of(hook))
    assert (bad["delivered"], bad["problem"]) == (False, "the receiver answered 503")
