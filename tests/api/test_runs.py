"""Runs: their shapes and order, and their logs on the way from the logs service."""

import json
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from tests.api.world import World

LINE = "2026-01-02T03:04:05.678901234Z stdout F "
RUN = {"task", "run_id", "status", "created_at", "updated_at"}


async def test_runs_are_listed_the_last_to_change_first(world: World) -> None:
    workspace, task = await world.ready_task()
    ended = await world.run(workspace, task, "success")
    running = await world.run(workspace, task)
    failed = await world.run(workspace, task, "failure")

    async def listed(**more: Any) -> list[UUID]:
        answer = await world.post("task/list_task_runs", {"task_id": str(task), **more})
        assert all(one.keys() == RUN for one in answer)
        return [UUID(one["run_id"]) for one in answer]

    assert await listed() == [failed, running, ended]
    assert await listed(limit=None, status="all") == [failed, running, ended]
    assert await listed(limit=2) == [failed, running]
    assert await listed(status="running") == [running]
    assert await listed(status="timed_out") == []


async def test_details_of_a_run(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "failure", lines=3)
    found = await world.post("task/get_run_details", {"task": str(task), "pod_id": str(run)})
    assert found.keys() >= RUN
    assert (found["run_id"], found["task"]) == (str(run), str(task))
    assert (found["status"], found["reason"], found["exit_code"]) == ("failure", "exit", 0)
    other = {"task": str(uuid4()), "pod_id": str(run)}
    assert (await world.post("task/get_run_details", other, 404))["reason"] == "not_found"


async def test_logs_are_what_the_run_wrote(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=4)
    lines = [LINE + text for text in ("hello", "", 'quotes " and \\', "ünï 🎉")]
    whole = "".join(line + "\n" for line in lines).encode()
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]  # cut within characters
    world.service.logs.texts[str(run)] = pieces, False
    assert await world.post("task/get_logs_for_run", {"id": str(run)}) == {
        "logs": lines,
        "complete": True,
    }
    assert world.service.logs.asked[-1] == {"expect": "4"}
    last = await world.post("task/get_logs_for_run", {"id": str(run), "lines": 2})
    assert last["logs"] == lines[-2:]
    assert world.service.logs.asked[-1] == {"last": "2", "expect": "4"}


async def test_bytes_that_are_no_text_are_shown_as_such(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    world.service.logs.texts[str(run)] = [LINE.encode() + b"\xff\xfe\0\x1b[1m\nno end"], False
    answer = await world.post("task/get_logs_for_run", {"id": str(run), "lines": None})
    assert answer == {"logs": [LINE + "\ufffd\ufffd\0\x1b[1m", "no end"], "complete": False}
    assert world.service.logs.asked[-1] == {}


async def test_no_lines_are_an_empty_list(world: World) -> None:
    """As after a kill, which takes the logs with it."""
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "killed", lines=0)
    answer = await world.post("task/get_logs_for_run", {"id": str(run)})
    assert answer == {"logs": [], "complete": True}


async def test_many_lines_come_through_whole(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=200_000)
    text = (LINE + "x" * 20 + "\n").encode() * 1000
    world.service.logs.texts[str(run)] = [text] * 200, False
    answer = await world.post("task/get_logs_for_run", {"id": str(run)})
    assert len(answer["logs"]) == 200_000
    assert set(answer["logs"]) == {LINE + "x" * 20}


async def test_logs_that_break_off_do_not_look_whole(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=2)
    world.service.logs.texts[str(run)] = [(LINE + "first\n").encode()], True
    with pytest.raises(aiohttp.ClientError):
        await world.post("task/get_logs_for_run", {"id": str(run)})


async def test_a_logs_service_that_refuses_us_is_our_fault_and_says_no_secret(
    world: World,
) -> None:
    """The stand-in answers 401 to a wrong internal token; a client sees 503."""
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    url = f"{world.service.settings['RONDO_LOGS_URL']}/runs/{run}/lines"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 401
    answer_of_ours = await world.post("task/get_logs_for_run", {"id": str(run)})
    assert json.dumps(answer_of_ours).count("internal") == 0
