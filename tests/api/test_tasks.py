"""Tasks: their shape by the wire reference, their status as a history unfolds, and commands."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from rondo import AsyncClient, Password
from rondo.errors import TaskEnded

from libs.domain.events import (
    OrchestrationFailed,
    RunRequested,
    TaskCompleted,
    TaskPaused,
    TaskStarted,
)
from libs.domain.ids import orchestration_stream, run_id, run_stream, task_stream
from libs.domain.task import SCHEDULE_ENDED
from tests.api.service import ADMIN, PASSWORD
from tests.api.world import World

COMMON = {
    "id",
    "name",
    "workspace_id",
    "orch_id",
    "kind",
    "run_type",
    "status",
    "reason",
    "killed",
    "input_data",
    "timeout",
    "debug",
    "retry",
    "mode",
    "created_at",
    "updated_at",
    "last_runs",
    "image",
    "image_tag",
    "arch",
    "bind_secrets",
    "extra_env_vars",
    "auth_init",
    "reap_threshold_secs",
    "ns_prefix",
}
SCHEDULED = COMMON | {"schedule", "zone", "misfire", "misfire_cap", "overlap"}
ONCE = COMMON | {"flavor", "exec_type"}


async def shown(world: World, task: UUID, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = await world.post("task/get_by_id", {"id": str(task), **more})
    return found


async def test_a_run_once_as_the_tutorial_has_it(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    arguments = {"pipeline_name": "p", "nested": {"list": [1, 2.5, None, "\0", 10**30]}}
    answer = await world.post(
        "task/run_once",
        {
            "name": "api run once task",
            "orch_id": str(orchestration),
            "workspace_id": workspace,
            "json": arguments,
            "timeout": 600,
            "debug": False,
            "sent_by_the_sdk": "ignored",
        },
        201,
    )
    assert answer.keys() == {"id"}
    task = await shown(world, UUID(answer["id"]))
    assert task.keys() == ONCE
    assert (task["name"], task["status"], task["killed"]) == ("api run once task", "started", False)
    assert task["input_data"] == arguments
    assert (task["run_type"], task["kind"], task["timeout"]) == ("Oneshot", "once", 600)
    assert (task["flavor"], task["exec_type"]) == ("exec_orch_oneshot", "job")
    assert "/arbex-orch-deploy" in task["image"]
    assert (task["bind_secrets"], task["auth_init"]) == ([], True)
    assert task["reap_threshold_secs"] == 900
    owner = await world.post("orchestration/get_by_id", {"id": str(orchestration)})
    assert task["extra_env_vars"] == {
        "ORCH_ID": str(orchestration),
        "ORCH_OWNER_ID": owner["owner_id"],
        "ORCH_SHA": owner["sha"],
        "TASK_DEBUG": "false",
        "TASK_ID": answer["id"],
    }
    assert task["last_runs"] == []


async def test_a_schedule_with_all_its_options(world: World) -> None:
    _, id = await world.ready_task(
        schedule="*/1, *, *, *, *",
        zone="Europe/Berlin",
        misfire="all",
        misfire_cap=7,
        overlap="queue",
        retry={"attempts": 3, "backoff": 0.5},
        name=None,
        timeout=None,
    )
    task = await shown(world, id)
    assert task.keys() == SCHEDULED
    assert (task["run_type"], task["schedule"]) == ("CronJob", "*/1, *, *, *, *")
    assert (task["zone"], task["misfire"], task["misfire_cap"]) == ("Europe/Berlin", "all", 7)
    assert (task["overlap"], task["retry"]) == ("queue", {"attempts": 3, "backoff": 0.5})


async def test_a_continuous_task(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    body: dict[str, Any] = {
        "json": {},
        "name": None,
        "orch_id": str(orchestration),
        "workspace_id": workspace,
    }
    answer = await world.post("task/run_continuously", {**body, "debug": True}, 201)
    task = await shown(world, UUID(answer["id"]))
    assert task.keys() == COMMON
    assert (task["run_type"], task["kind"]) == ("NetworkService", "continuous")
    assert task["extra_env_vars"]["TASK_DEBUG"] == "true"


@pytest.mark.parametrize("path", ["run_once", "run_scheduled", "run_continuously"])
async def test_the_path_of_the_older_documents(world: World, path: str) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    body = {"orch_id": str(orchestration), "workspace_id": workspace, "schedule": "@daily"}
    await world.post(f"orchestration/task/{path}", body, 201)


async def test_a_schedule_is_answered_with_its_next_instants(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    body = {"orch_id": str(orchestration), "workspace_id": workspace, "zone": "Asia/Kathmandu"}
    often = await world.post("task/run_scheduled", body | {"schedule": "0 * * * *"}, 201)
    assert often.keys() == {"id", "upcoming"}
    upcoming = [datetime.fromisoformat(text) for text in often["upcoming"]]
    assert all(at.utcoffset() == timedelta(hours=5, minutes=45) for at in upcoming)
    assert [later - upcoming[0] for later in upcoming] == [timedelta(hours=at) for at in range(5)]
    assert timedelta(0) < upcoming[0] - datetime.now(UTC) <= timedelta(hours=1)
    rare = await world.post("task/run_scheduled", body | {"schedule": "0 0 12 29 2 2096"}, 201)
    assert rare["upcoming"] == ["2096-02-29T12:00:00+05:45"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("schedule", "0 12 * * ? *", "schedule: .*'0 0 12 \\* \\* \\? \\*'.*docs/schedules.md"),
        ("schedule", "*/90 * * * *", "schedule: .*at most 60"),
        ("zone", "utc", "zone: 'utc' is written 'UTC'"),
        ("zone", "localtime", "zone: 'localtime' is no IANA time zone; give "),
    ],
)
async def test_a_schedule_that_means_something_else_here(
    world: World, field: str, value: str, said: str
) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    body = {"orch_id": str(orchestration), "workspace_id": workspace, "schedule": "@daily"}
    answer = await world.post("task/run_scheduled", body | {field: value}, 400)
    assert re.match(said, answer["msg"])


async def test_a_run_once_brings_its_run_and_stays_started(world: World) -> None:
    """It is the run that the scheduler would ask for."""
    workspace, task = await world.ready_task()
    (order,) = await world.log.read(task_stream(workspace, task))
    (asked,) = await world.log.read(run_stream(workspace, run_id(task, order.at)))
    assert asked.event == RunRequested(task=task, scheduled_at=order.at)
    assert (asked.seq, asked.causation, asked.actor) == (order.seq + 1, order.id, order.actor)
    found = await shown(world, task)
    assert (found["status"], found["last_runs"]) == ("started", [])
    run = await world.run(workspace, task, "success")
    found = await shown(world, task)
    assert found["status"] == "started"
    assert [one["run_id"] for one in found["last_runs"]] == [str(run)]
    assert found["last_runs"][0].keys() == {
        "task",
        "run_id",
        "status",
        "created_at",
        "updated_at",
    }


async def test_a_run_once_of_what_is_being_packaged_brings_none(world: World) -> None:
    workspace = await world.workspace()
    task = await world.task(workspace, await world.upload(workspace))
    (order,) = await world.log.read(task_stream(workspace, task))
    assert await world.log.read(run_stream(workspace, run_id(task, order.at))) == []
    assert (await shown(world, task))["status"] == "pending"


async def test_last_runs_are_the_newest_oldest_first(world: World) -> None:
    workspace, task = await world.ready_task()
    runs = [str(await world.run(workspace, task, "success")) for _ in range(7)]

    async def last(**more: int) -> list[str]:
        return [run["run_id"] for run in (await shown(world, task, **more))["last_runs"]]

    assert await last() == runs[-5:]
    assert await last(run_limit=2) == runs[-2:]
    assert await last(run_limit=0) == []
    assert await last(run_limit=100) == runs


async def test_lists_are_newest_first_and_filtered(world: World) -> None:
    workspace = await world.workspace()
    first, second = [await world.orchestration(workspace) for _ in range(2)]
    tasks = [await world.task(workspace, first), await world.task(workspace, second)]
    tasks.append(await world.task(workspace, first))
    sha = (await shown(world, tasks[0]))["extra_env_vars"]["ORCH_SHA"]

    async def listed(**filters: Any) -> list[UUID]:
        answer = await world.post("task/list", {"workspace_id": workspace, **filters})
        return [UUID(task["id"]) for task in answer]

    assert await listed() == tasks[::-1]
    assert await listed(killed=False) == tasks[::-1]
    assert await listed(orch_id=str(first)) == [tasks[2], tasks[0]]
    assert await listed(orch_sha=sha.upper()) == tasks[::-1]
    assert await listed(orch_sha="0" * 64) == []
    mine = await world.post("task/list", {"killed": False, "workspace_id": None})
    assert UUID(mine[0]["id"]) == tasks[2]
    of_sha = await world.post("task/get_tasks_by_orch_sha", {"sha": sha})
    assert of_sha.keys() == {"ids"}
    assert [UUID(id) for id in of_sha["ids"]][:3] == tasks[::-1]
    unknown = await world.post("task/get_tasks_by_orch_sha", {"sha": "0" * 64})
    assert unknown == {"ids": []}


async def test_a_kill_answers_at_once_and_again(world: World) -> None:
    workspace, task = await world.ready_task()
    await world.run(workspace, task, "success")
    for _ in range(2):
        answer = await world.post("task/kill", {"id": str(task)}, 202)
        assert answer.keys() == ONCE
        assert (answer["status"], answer["killed"]) == ("pending_kill", False)
    assert len(await world.log.read(task_stream(workspace, task))) == 2
    listed = await world.post("task/list", {"workspace_id": workspace})
    assert [one["status"] for one in listed] == ["pending_kill"]
    await world.killed(workspace, task)
    assert await world.post("task/list", {"workspace_id": workspace}) == []
    (gone,) = await world.post("task/list", {"workspace_id": workspace, "killed": True})
    assert (gone["status"], gone["killed"]) == ("killed", True)
    again = await world.post("task/kill", {"id": str(task), "keep_logs": True}, 202)
    assert (again["status"], again["killed"]) == ("killed", True)


async def test_keeping_logs_is_in_the_event(world: World) -> None:
    workspace, task = await world.ready_task()
    await world.post("task/kill", {"id": str(task), "keep_logs": True}, 202)
    *_, event = await world.log.read(task_stream(workspace, task))
    assert event.event == type(event.event)(keep_logs=True)
    assert event.actor != "test"
    assert event.source == "api"


async def test_pause_and_resume(world: World) -> None:
    workspace, task = await world.ready_task(schedule="@daily")
    stream = task_stream(workspace, task)
    await world.append(stream, TaskStarted())

    async def asked(pause: bool) -> str:
        answer = await world.post("task/pause", {"id": str(task), "pause": pause}, 202)
        return str(answer["status"])

    assert [await asked(True), await asked(True)] == ["pending_pause", "pending_pause"]
    await world.append(stream, TaskPaused())
    await world.service.caught_up()
    assert (await shown(world, task))["status"] == "paused"
    assert [await asked(False), await asked(False)] == ["pending_resume", "pending_resume"]


async def test_what_cannot_be_paused(world: World) -> None:
    _, once = await world.ready_task()
    refused = await world.post("task/pause", {"id": str(once), "pause": True}, 400)
    assert "run-once" in refused["msg"]
    _, killed = await world.ready_task(schedule="@daily")
    await world.post("task/kill", {"id": str(killed)}, 202)
    refused = await world.post("task/pause", {"id": str(killed), "pause": True}, 409)
    assert (refused["reason"], "pending_kill" in refused["msg"]) == ("conflict", True)


async def test_what_failed_to_be_packaged_is_not_run(world: World) -> None:
    workspace = await world.workspace()
    id = await world.upload(workspace)
    stream = orchestration_stream(workspace, id)
    await world.append(stream, OrchestrationFailed(reason="numpy==0 does not exist"))
    await world.service.caught_up()
    body = {"orch_id": str(id), "workspace_id": workspace, "json": {}}
    refused = await world.post("task/run_once", body, 400)
    assert refused["msg"].startswith("orch_id: ")
    assert "numpy==0 does not exist" in refused["msg"]


async def test_the_callers_request_id_goes_into_the_event(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    mine = f"request-{uuid4()}"
    answer = await world.service.call(
        "POST",
        "/v1/api/task/run_once",
        world.token,
        json={"orch_id": str(orchestration), "workspace_id": workspace},
        headers={"X-Request-Id": mine},
    )
    assert answer.headers["X-Request-Id"] == mine
    (event,) = await world.log.read(task_stream(workspace, UUID(answer.body["id"])))
    assert event.correlation == mine


async def test_a_task_says_how_its_runs_start(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    order = {"orch_id": str(orchestration), "workspace_id": workspace}
    for mode in ("exec", "fork", None):
        answer = await world.post("task/run_continuously", {**order, "mode": mode}, 201)
        assert (await shown(world, UUID(answer["id"])))["mode"] == mode
    refused = await world.post("task/run_once", {**order, "mode": "spawn"}, 400)
    assert "mode" in refused["msg"]


async def test_a_task_says_how_long_its_runs_may_take_to_end(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    order = {"orch_id": str(orchestration), "workspace_id": workspace}
    for grace in (0, 2.5, 600):
        answer = await world.post("task/run_continuously", {**order, "grace": grace}, 201)
        assert (await shown(world, UUID(answer["id"])))["grace"] == grace
    answer = await world.post("task/run_continuously", order, 201)
    assert "grace" not in await shown(world, UUID(answer["id"]))
    for wrong in (-1, 600.1, "5", True):
        refused = await world.post("task/run_once", {**order, "grace": wrong}, 400)
        assert "grace: " in refused["msg"]


async def test_the_sdk_waits_for_no_run_of_a_schedule_that_ended_without_one(world: World) -> None:
    """Before, only a time-out ended this wait."""
    workspace, task = await world.ready_task(schedule="0 0 1 1 *")
    over = TaskCompleted(reason=SCHEDULE_ENDED, missed=1)
    await world.append(task_stream(workspace, task), TaskStarted(), over)
    await world.service.caught_up()
    client = AsyncClient(world.service.url, login=Password(ADMIN, PASSWORD))
    known = await client.get_task_by_id(str(task))
    with pytest.raises(TaskEnded, match="success: schedule_ended"):
        await known.wait(10)
    with pytest.raises(TaskEnded, match="success: schedule_ended"):
        await known.newest_run(10)
