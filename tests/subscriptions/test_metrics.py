"""Webhooks as an operator sees them: attempts by outcome, the lag, and what was given up on."""

import asyncio
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.api.world import World
from tests.platform import PATIENCE
from tests.subscriptions.receiver import Receiver
from tests.subscriptions.test_webhooks import add_members, create_webhook

Samples = dict[str, float]


async def scraped(world: World) -> Samples:
    """By name and outcome."""
    answer = await world.service.call("GET", "/metrics", world.token)
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.body)
        for sample in family.samples
        if sample.name.startswith("rondo_webhook_")
    }


async def until(world: World, holds: Callable[[Samples], bool]) -> Samples:
    async with asyncio.timeout(PATIENCE):
        while not holds(found := await scraped(world)):  # noqa: ASYNC110 - another's numbers
            await asyncio.sleep(0.1)
    return found


async def test_attempts_and_dead_letters_are_counted(world: World, receiver: Receiver) -> None:
    before = await scraped(world)
    workspace = await world.workspace()
    receiver.answer = lambda _: 500
    hook = await create_webhook(world, receiver, workspace)
    await add_members(world, workspace, 1)
    key = "rondo_webhook_dead_letters"
    after = await until(world, lambda now: now[key] == before[key] + 1)
    failed, delivered = (f"rondo_webhook_deliveries_total {how}" for how in ("failed", "delivered"))
    assert after[failed] >= before[failed] + 2
    assert after[delivered] == before[delivered]
    receiver.answer = lambda _: 204
    await add_members(world, workspace, 1)
    await until(world, lambda now: now[delivered] > before[delivered])
    by_id = {"id": hook["subscription"]["id"]}
    (letter,) = (await world.post("subscriptions/dead_letters", by_id))["dead_letters"]
    await world.post("subscriptions/discard", {**by_id, "sequence": letter["sequence"]}, 204)
    await until(world, lambda now: now[key] == before[key])


async def test_the_lag_lasts_until_held_up_events_are_delivered(
    patient: World, receiver: Receiver
) -> None:
    workspace = await patient.workspace()
    receiver.answer = lambda _: 500
    await create_webhook(patient, receiver, workspace)
    await add_members(patient, workspace, 1)
    await until(patient, lambda now: now["rondo_webhook_lag_seconds"] > 0.5)
    receiver.answer = lambda _: 204
    await receiver.until(lambda: len(receiver.taken) == 1)
    await until(patient, lambda now: now["rondo_webhook_lag_seconds"] == 0)
