"""Subscriptions that are created again under the key of the first time."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from libs.domain.ids import subscription_stream
from tests.api.service import Answer
from tests.api.world import World
from tests.subscriptions.receiver import Receiver


async def keyed(world: World, key: str, workspace: int, **more: Any) -> Answer:
    body = {"workspace_id": workspace, "name": "hook", **more}
    headers = {"Idempotency-Key": key}
    path = "/v1/api/subscriptions/create"
    return await world.service.call("POST", path, world.token, json=body, headers=headers)


async def listed(world: World, workspace: int) -> list[str]:
    found = await world.post("subscriptions/list", {"workspace_id": workspace})
    return [one["id"] for one in found["subscriptions"]]


async def test_the_same_key_gives_the_same_webhook_and_secret(
    world: World, receiver: Receiver
) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    first = await keyed(world, key, workspace, url=receiver.url)
    again = await keyed(world, key, workspace, url=receiver.url)
    assert (first.status, again.status) == (201, 201)
    assert again.body["subscription"]["id"] == first.body["subscription"]["id"]
    assert again.body["secret"] == first.body["secret"]
    assert await listed(world, workspace) == [first.body["subscription"]["id"]]


async def test_ten_creations_at_once_under_a_key_make_one_webhook(
    world: World, receiver: Receiver
) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    answers = await asyncio.gather(
        *(keyed(world, key, workspace, url=receiver.url) for _ in range(10))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["secret"] for answer in answers}) == 1
    (id,) = await listed(world, workspace)
    assert len(await world.log.read(subscription_stream(UUID(id)))) == 1
    tried = await world.post("subscriptions/test", {"id": id})
    assert tried["status"] == 204


async def test_another_webhook_under_the_same_key_is_refused(
    world: World, receiver: Receiver
) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    await keyed(world, key, workspace, url=receiver.url)
    for changed in ({"url": receiver.url + "x"}, {"url": receiver.url, "types": ["RunFinished"]}):
        refused = await keyed(world, key, workspace, **changed)
        assert (refused.status, refused.body["reason"]) == (409, "conflict")
        assert refused.body["msg"].startswith("Idempotency-Key: ")
    assert len(await listed(world, workspace)) == 1


async def test_a_nats_subscribers_secret_is_shown_only_once(world: World) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    first = await keyed(world, key, workspace, kind="nats")
    again = await keyed(world, key, workspace, kind="nats")
    assert (first.status, again.status) == (201, 409)
    assert first.body["subscription"]["id"] in again.body["msg"]
    assert await listed(world, workspace) == [first.body["subscription"]["id"]]


async def test_the_key_of_a_deleted_webhook_creates_no_other(
    world: World, receiver: Receiver
) -> None:
    workspace, key = await world.workspace(), uuid4().hex
    first = await keyed(world, key, workspace, url=receiver.url)
    await world.post("subscriptions/delete", {"id": first.body["subscription"]["id"]}, 204)
    assert (await keyed(world, key, workspace, url=receiver.url)).status == 409
    assert await listed(world, workspace) == []
