"""History: the events of anything, how it was then, and what led to a run."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from libs.domain.events import RunRequested, RunStarted, TaskStarted
from libs.domain.ids import run_stream, task_stream
from libs.eventlog.log import Proposed
from tests.api.served_world import model_version
from tests.api.service import ADMIN, Answer
from tests.api.world import World

NOBODY = UUID("00000000-0000-4000-8000-000000000000")


async def get(world: World, path: str) -> Answer:
    return await world.service.call("GET", f"/v1/api/history/{path}", world.token)


async def history(world: World, path: str) -> Any:
    answer = await get(world, path)
    assert answer.status == 200, answer.body
    return answer.body


def types(body: Any) -> list[str]:
    return [event["type"] for event in body["events"]]


async def test_the_events_of_a_task_say_who_when_and_why(world: World) -> None:
    workspace, task = await world.ready_task(schedule="@daily", name="nightly")
    await world.post("task/pause", {"id": str(task), "pause": True}, 202)
    found = await history(world, f"task/{task}")
    assert (found["aggregate"], found["id"], found["workspace"]) == ("task", str(task), workspace)
    assert types(found) == ["TaskCreated", "TaskPauseRequested"]
    created = found["events"][0]
    assert (created["who"], created["source"]) == (ADMIN, "api")
    assert created["correlation"]
    assert created["data"]["schedule"]["expression"] == "@daily"
    assert found["state"]["status"] == "pending_pause"


async def test_the_state_is_that_of_the_instant_or_sequence_asked_for(world: World) -> None:
    _, task = await world.ready_task(schedule="@daily")
    await world.post("task/pause", {"id": str(task), "pause": True}, 202)
    now = await history(world, f"task/{task}")
    first, second = now["events"]
    for moment in (first["seq"], first["at"], first["at"].replace("Z", "+00:00")):
        then = await history(world, f"task/{task}?at={moment}")
        assert (then["state"]["status"], then["until"]) == ("pending", first["seq"])
        assert types(then) == types(now)
    quoted = await history(world, f"task/{task}?at={quote(second['at'])}")
    assert quoted["state"] == now["state"]
    before = await history(world, f"task/{task}?at={first['seq'] - 1}")
    assert (before["state"], before["until"]) == (None, 0)
    assert (await history(world, f"task/{task}?at={'9' * 60}"))["state"] == now["state"]


async def test_models_and_tags_have_a_history_by_their_numbers(world: World) -> None:
    workspace = await world.workspace()
    version = await model_version(world, workspace, tensor_fields=["tensor"])
    found = await history(world, f"model_version/{version.number}")
    assert types(found) == ["ModelVersionUploaded", "ModelVersionReady", "ModelVersionConfigured"]
    assert (found["id"], found["workspace"]) == (str(version.id), workspace)
    assert found["state"]["configs"][-1]["number"] == version.config
    first = await history(world, f"model_version/{version.number}?at={version.number}")
    assert first["state"]["status"] == "pending"
    assert types(await history(world, f"model/{version.model}")) == ["ModelCreated"]
    answer = await world.service.call("GET", f"/v1/api/history/pipeline/{NOBODY}", world.token)
    assert answer.status == 404


async def test_secrets_are_in_no_history(world: World) -> None:
    name, secret = f"c-{uuid4()}", "hunter2-of-the-test"
    body = {"name": name, "type": "http", "details": {"password": secret}}
    id = (await world.post("connections/create", body))["id"]
    found = await history(world, f"connection/{id}")
    assert types(found) == ["ConnectionCreated"]
    assert found["state"]["name"] == name
    assert "details" not in found["state"]
    assert "details" not in found["events"][0]["data"]
    assert secret not in str(found)


async def test_a_runs_causes_go_back_to_the_request(world: World) -> None:
    workspace, task = await world.ready_task(schedule="@daily")
    run = await requested(world, workspace, task)
    causes = await history(world, f"run/{run}/causes")
    assert types(causes) == ["TaskCreated", "TaskStarted", "RunRequested", "RunStarted"]
    events = causes["events"]
    assert [event["causation"] for event in events[1:3]] == [event["id"] for event in events[:2]]
    assert events[0]["correlation"] == events[2]["correlation"]


async def requested(world: World, workspace: int, task: UUID) -> UUID:
    """A run that is caused as the scheduler causes one."""
    stream, run = task_stream(workspace, task), uuid4()
    begun = run_stream(workspace, run)
    request = RunRequested(task=task, scheduled_at=datetime.now(UTC))
    for cause, on, event in (
        (stream, stream, TaskStarted()),
        (stream, begun, request),
        (begun, begun, RunStarted(executor="test")),
    ):
        answered, last = await world.log.last(cause), await world.log.last(on)
        assert answered is not None
        proposed = Proposed(on, last.seq if last else 0, event)
        await world.log.append(proposed, answered.because("scheduler"))
    await world.service.caught_up()
    return run


async def test_members_only(world: World, outsider: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task, "success", lines=0)
    orchestration = (await world.post("task/get_by_id", {"id": str(task)}))["orch_id"]
    body = {"name": f"c-{uuid4()}", "type": "http"}
    connection = (await world.post("connections/create", body))["id"]
    for path in (
        f"workspace/{workspace}",
        f"orchestration/{orchestration}",
        f"task/{task}",
        f"run/{run}",
        f"run/{run}/causes",
        f"connection/{connection}",
    ):
        assert (await get(world, path)).status == 200, path
        assert (await get(outsider, path)).status == 403, path


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("task/x", 404, "id: "),
        (f"task/{NOBODY}", 404, "id: "),
        ("workspace/x", 404, "id: "),
        ("workspace/99999999999999999999999", 404, "id: "),
        (f"moon/{NOBODY}", 404, "aggregate: "),
        (f"task/{NOBODY}?at=yesterday", 400, "at: "),
    ],
)
async def test_what_is_not_there(world: World, path: str, status: int, said: str) -> None:
    answer = await get(world, path)
    assert (answer.status, answer.body["msg"][: len(said)]) == (status, said)
