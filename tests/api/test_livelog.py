"""A run's log as it grows, and as a file."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from libs.domain.events import RunFinished, WorkspaceMemberRemoved
from libs.domain.ids import run_stream, workspace_stream
from services.api.read_model import run_logs
from services.api.runs import live_log
from tests.api.callers import MEMBER
from tests.api.service import Answer
from tests.api.world import World
from tests.platform import PATIENCE

LINE = "2026-01-02T03:04:05.678901234Z stdout F "
LINES = [LINE + text for text in ("hello", "50%\r100%", 'quotes " and \\', "ünï 🎉", "")]
WHOLE = "".join(line + "\n" for line in LINES).encode()


async def get(world: World, run: UUID, what: str, **headers: str) -> Answer:
    path = f"/v1/api/task/run/{run}/{what}"
    return await world.service.call("GET", path, world.token, headers=headers)


@asynccontextmanager
async def following(world: World, run: UUID) -> AsyncIterator[aiohttp.StreamReader]:
    url = f"{world.service.url}/v1/api/task/run/{run}/follow"
    headers = {"Authorization": f"Bearer {world.token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        yield answer.content


def events(text: str) -> list[dict[str, Any]]:
    """Their fields; `data` is decoded. Comments are no events."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line[0] != ":")
        if fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


async def test_following_what_has_ended(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "failure", lines=5)
    world.service.logs.texts[str(run)] = [WHOLE[:70], WHOLE[70:]], False
    answer = await get(world, run, "follow")
    *some, end = events(answer.body)
    assert [line for one in some for line in one["data"]] == LINES
    assert some[-1]["id"] == "5"
    assert end == {"event": "end", "data": {"status": "failure", "lines": 5, "complete": True}}


async def test_following_goes_on_after_the_last_event(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=5)
    world.service.logs.texts[str(run)] = [WHOLE], False
    rest, end = events((await get(world, run, "follow", **{"Last-Event-ID": "3"})).body)
    assert (rest["data"], rest["id"]) == (LINES[3:], "5")
    assert end["data"]["complete"]
    (end,) = events((await get(world, run, "follow", **{"Last-Event-ID": "5"})).body)
    assert end["data"]["lines"] == 5


async def test_following_from_the_last_lines_on(world: World) -> None:
    """Rather than from there, it goes on after the last event."""
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=5)
    world.service.logs.texts[str(run)] = [WHOLE], False
    for last, expected in ((2, LINES[3:]), (0, []), (9, LINES)):
        *some, end = events((await get(world, run, f"follow?last={last}")).body)
        assert [line for one in some for line in one["data"]] == expected
        assert end["data"]["complete"]
    answer = await get(world, run, "follow?last=4", **{"Last-Event-ID": "4"})
    assert events(answer.body)[0]["data"] == LINES[4:]
    assert (await get(world, run, "follow?last=x")).status == 400


async def test_following_a_log_without_its_beginning(world: World) -> None:
    """Ids count the lines that are kept no more; so nothing comes twice after a break."""
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=105)
    logs = world.service.logs
    logs.texts[str(run)], logs.gone[str(run)] = ([WHOLE], False), 100
    asked: list[tuple[str, dict[str, str]]] = [
        ("follow", {}),
        ("follow?last=3", {}),
        ("follow", {"Last-Event-ID": "40"}),
        ("follow", {"Last-Event-ID": "103"}),
    ]
    for (path, headers), expected in zip(asked, (LINES, LINES[2:], LINES, LINES[3:]), strict=True):
        *some, end = events((await get(world, run, path, **headers)).body)
        assert [line for one in some for line in one["data"]] == expected
        assert some[0]["id"] == str(105 - len(expected) + len(some[0]["data"]))
        assert some[-1]["id"] == "105"
        assert end["data"] == {"status": "success", "lines": 105, "complete": False}


async def test_an_event_has_a_hundred_lines_at_most(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=205)
    world.service.logs.texts[str(run)] = [WHOLE * 41], False
    *some, end = events((await get(world, run, "follow")).body)
    assert max(len(one["data"]) for one in some) == 100
    assert [line for one in some for line in one["data"]] == LINES * 41
    assert end["data"]["complete"]


@pytest.mark.parametrize("text", ["x", "-1", "1" * 16])
async def test_an_event_id_that_is_none(world: World, text: str) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=0)
    answer = await get(world, run, "follow", **{"Last-Event-ID": text})
    assert (answer.status, answer.body["reason"]) == (400, "invalid")
    assert answer.body["msg"].startswith("Last-Event-ID: ")


@pytest.mark.parametrize("what", ["follow", "log"])
async def test_runs_that_are_none(world: World, what: str) -> None:
    answer = await world.service.call("GET", f"/v1/api/task/run/nonsense/{what}", world.token)
    assert (answer.status, answer.body["msg"][:5]) == (400, "run: ")
    assert (await get(world, uuid4(), what)).status == 404


async def test_an_end_that_the_views_do_not_show_yet(world: World) -> None:
    """The logs service says that it is over: the end that is in the log is waited for."""
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    finished = RunFinished(status="timed_out", reason="timeout", lines=0)
    await world.append(run_stream(workspace, run), finished)
    (end,) = events((await get(world, run, "follow")).body)
    assert end["data"] == {"status": "timed_out", "lines": 0, "complete": True}


async def test_a_source_that_breaks_off_is_no_end(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=5)
    world.service.logs.texts[str(run)] = [WHOLE], True
    for what in ("follow", "log"):
        with pytest.raises(aiohttp.ClientError):
            await get(world, run, what)


async def test_quiet_runs_are_heard_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_logs, "PULSE_SECONDS", 0.05)
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    world.service.logs.waits.add(str(run))
    async with asyncio.timeout(PATIENCE), following(world, run) as stream:
        assert [await stream.readline() for _ in range(4)] == [b": \n", b"\n"] * 2


async def test_who_is_let_in_no_more_hears_no_more(
    world: World, member: World, people: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "PULSE_SECONDS", 0.05)
    monkeypatch.setattr(live_log, "_STILL_ALLOWED", 0.0)
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    world.service.logs.waits.add(str(run))
    await world.add_member(workspace, people[MEMBER])
    async with asyncio.timeout(PATIENCE), following(member, run) as stream:
        assert await stream.readline() == b": \n"
        gone = WorkspaceMemberRemoved(user=str(people[MEMBER]))
        await world.append(workspace_stream(workspace), gone)
        with pytest.raises(aiohttp.ClientError):
            await stream.read()
    assert (await get(member, run, "follow")).status == 403


async def test_a_log_as_a_file(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=5)
    world.service.logs.texts[str(run)] = [WHOLE], False
    answer = await get(world, run, "log")
    assert answer.body == WHOLE.decode()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{run}.log"'
    assert answer.headers["Rondo-Complete"] == "true"
    running = await world.run(workspace, task)
    assert (await get(world, running, "log")).headers["Rondo-Complete"] == "false"
