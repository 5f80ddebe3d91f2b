"""Thousands of events while subscribers and copies of the service are killed.

On NATS each is kept once and in order. A webhook gets each at least once, under the same id, and
for the first time in order.
"""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import connect
from tests.api.service import Service, running
from tests.api.world import World
from tests.events.test_kills import AHEAD, COUNT, Program, kept_lines, program, publish
from tests.servers import TOKEN, free_port, nats_server
from tests.subscriptions.conftest import settings

Kills = list[tuple[int, Callable[[], None]]]


async def flood(log: EventLog, workspace: int, kept: Path, kills: Kills) -> list[int]:
    """The places of all that was published, once that many lines are kept."""
    published: list[int] = []
    kills.sort(key=lambda kill: kill[0])
    async for places in publish(log, workspace):
        published += places
        seen = len(await kept_lines(kept, len(published) - AHEAD))
        while kills and kills[0][0] < seen:
            kills.pop(0)[1]()
    assert not kills
    await kept_lines(kept, COUNT)
    return published


def again(victim: Program) -> Callable[[], None]:
    def kill() -> None:
        victim.kill()
        victim.start()

    return kill


@pytest.mark.timeout(300)
async def test_a_killed_nats_subscriber_keeps_each_event_once_and_in_order(
    world: World, tmp_path: Path
) -> None:
    workspace = await world.workspace()
    body = {"workspace_id": workspace, "kind": "nats", "name": "feed", "aggregate": "orchestration"}
    made = await world.post("subscriptions/create", body, 201)
    credentials, kept = tmp_path / "credentials.json", tmp_path / "kept"
    credentials.write_text(json.dumps(made))
    places = Random(7).sample(range(200, COUNT - 2 * AHEAD), 4)
    with program("examples.subscriber", str(credentials), str(kept)) as subscriber:
        kills: Kills = [(place, again(subscriber)) for place in places]
        published = await flood(world.log, workspace, kept, kills)
    lines = [line.split() for line in kept.read_bytes().splitlines()]
    assert [int(place) for place, *_ in lines] == published
    assert len({id for _, id, _ in lines}) == COUNT


@pytest.mark.timeout(300)
async def test_killed_services_and_receivers_lose_no_webhook_event(
    dsn: str, tmp_path: Path
) -> None:
    port, kept, secret = free_port(), tmp_path / "kept", tmp_path / "secret"
    with nats_server() as nats:
        with running(tmp_path, nats.url, dsn, settings(nats, tmp_path)) as service:
            workspace, made = await subscribed(service, f"http://127.0.0.1:{port}/")
        secret.write_text(made["secret"])
        arguments = ("tests.subscriptions.killable_receiver", str(port), str(secret), str(kept))
        with (
            program(*arguments) as receiver,
            copy(service, tmp_path / "one") as one,
            copy(service, tmp_path / "two") as two,
        ):
            dice = Random(11)
            places = dice.sample(range(200, COUNT - 2 * AHEAD), 5)
            victims = [receiver, one, receiver, two, receiver]
            kills: Kills = [
                (at, again(who)) for at, who in zip(sorted(places), victims, strict=True)
            ]
            async with connect(nats.url, TOKEN) as connection:
                published = await flood(EventLog(connection), workspace, kept, kills)
            lines = await distinct(kept)
    assert list(lines) == published, "for the first time in order"
    assert len(set(lines.values())) == COUNT, "an id each, however often it came"


async def subscribed(service: Service, url: str) -> tuple[int, Any]:
    async with connect(service.nats_url, TOKEN) as nats:
        world = World(service, EventLog(nats), await service.login())
        workspace = await world.workspace()
        body = {"workspace_id": workspace, "name": "hook", "url": url, "aggregate": "orchestration"}
        return workspace, await world.post("subscriptions/create", body, 201)


def copy(service: Service, data: Path) -> Any:
    """A process that serves as `service` did."""
    listen = f"127.0.0.1:{free_port()}"
    more = {"RONDO_LISTEN": listen, "RONDO_DATA": str(data), "RONDO_LOG_LEVEL": "CRITICAL"}
    return program("services.api", environ={**service.settings, **more})


async def distinct(kept: Path) -> dict[int, str]:
    """The id of each event, in the order in which they first came, once all have."""
    number = COUNT
    while True:
        lines = [line.split() for line in await kept_lines(kept, number)]
        found: dict[int, str] = {}
        for place, id in lines:
            assert found.setdefault(int(place), id.decode()) == id.decode()
        if len(found) == COUNT:
            return found
        number = len(lines) + 1
