"""Bodies that are wrong: the status, and a message that names the field and what to do."""

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest

from services.api.http.route import JSON
from services.api.routes import ROUTES
from tests.api.world import World

REST = [route for route in ROUTES if route.path.startswith("/v1/api/")]
JSON_ROUTES = sorted(
    route.path.removeprefix("/v1/api/") for route in REST if route.body and route.media == JSON
)

# Body as it is sent, status, how the message begins.
BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "body: "),
    "no JSON": (b"hello", 400, "body: JSON is malformed"),
    "half": (b'{"id": ', 400, "body: "),
    "a list": (b"[]", 400, "body: expected object, got array"),
    "null": (b"null", 400, "body: expected object, got null"),
    "deep": (b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, "body: nested too deeply"),
    "long": (b'{"x": "' + b"x" * (2 << 20) + b'"}', 413, "body: more than"),
}


@pytest.mark.parametrize("path", JSON_ROUTES)
async def test_bodies_that_are_no_objects(world: World, path: str) -> None:
    for name, (body, status, words) in BODIES.items():
        answer = await world.service.call(
            "POST", f"/v1/api/{path}", world.token, data=BytesIO(body)
        )
        assert (answer.status, answer.body["code"]) == (status, status), (name, answer.body)
        assert answer.body["msg"].startswith(words), (name, answer.body)
        assert answer.body["reason"] == ("invalid" if status == 400 else "too_large")


def _wrong_types() -> list[tuple[str, str, Any]]:
    """Each known field of each JSON route, with a value of a type that it never has."""
    wrong = {"json": [], "retry": 7, "killed": "yes", "debug": 1, "keep_logs": 0, "pause": "true"}
    objects = ("details", "definition", "engine_config", "dynamic_batching_config")
    wrong |= {name: [] for name in objects}
    found = []
    for route in REST:
        if route.body and route.media == JSON:
            path = route.path.removeprefix("/v1/api/")
            fields = route.body.__struct_fields__
            found += [(path, field, wrong.get(field, {"not": "that"})) for field in fields]
    return found


@pytest.mark.parametrize(("path", "field", "value"), _wrong_types())
async def test_a_wrong_type_names_its_field(
    world: World, path: str, field: str, value: Any
) -> None:
    id = str(uuid4())
    good = {"id": id, "orch_id": id, "workspace_id": 1, "task_id": id, "task": id, "pod_id": id}
    good |= {"connection_id": id, "name": "x", "type": "x"}
    good |= {"sha": "0" * 64, "pause": True, "schedule": "@daily", "workspace_name": "x"}
    refused = await world.post(path, {**good, field: value}, 400)
    assert refused["msg"].startswith(f"{field}: expected "), refused


ORDER: list[tuple[dict[str, Any], str]] = [
    ({"orch_id": "x"}, "orch_id: Invalid UUID; give a UUID"),
    ({"orch_id": None}, "orch_id: expected uuid, got null"),
    ({"workspace_id": "1"}, "workspace_id: expected int, got str"),
    ({"workspace_id": 0}, "workspace_id: expected int >= 1"),
    ({"workspace_id": 10**30}, "workspace_id: "),
    ({"workspace_id": 1.5}, "workspace_id: expected int, got float"),
    ({"workspace_id": 10_000_000}, "workspace_id: orch_id is an orchestration of workspace"),
    ({"json": []}, "json: expected object | null, got array"),
    ({"json": {"a": "x" * 300_000}}, "json: over 262144 bytes"),
    ({"json": {"a": json.loads("[" * 500 + "]" * 500)}}, "json: nested over 100 deep"),
    ({"name": ""}, "name: give 1 to 256 characters"),
    ({"name": "x" * 257}, "name: give 1 to 256 characters"),
    ({"timeout": 0}, "timeout: give 1 to"),
    ({"timeout": -1}, "timeout: give 1 to"),
    ({"timeout": 10**9}, "timeout: give 1 to"),
    ({"timeout": 10**30}, "timeout: "),
    ({"timeout": "600"}, "timeout: expected int | null, got str"),
    ({"debug": "no"}, "debug: expected bool | null, got str"),
    ({"retry": {"attempts": 0}}, "retry: give 1 to"),
    ({"retry": {"backoff": -1}}, "retry: give 1 to"),
    ({"retry": {"attempts": "3"}}, "retry.attempts: expected int, got str"),
    ({"schedule": "nonsense"}, "schedule: 'nonsense': 1 field"),
    ({"schedule": "61 * * * *"}, "schedule: "),
    ({"schedule": "* * * * *\0"}, "schedule: "),
    ({"schedule": ""}, "schedule: "),
    ({"schedule": "*" * 300}, "schedule: '****"),
    ({"schedule": "0 0 30 2 *"}, "schedule: "),
    ({"schedule": "0 0 12 1-15 2 2024"}, "schedule: '0 0 12 1-15 2 2024' never fires again"),
    ({"schedule": 5}, "schedule: expected str, got int"),
    ({"zone": "Mars/Olympus"}, "zone: 'Mars/Olympus' is no IANA time zone"),
    ({"zone": "../../etc/passwd"}, "zone: "),
    ({"zone": ""}, "zone: "),
    ({"zone": "a\0b"}, "zone: "),
    ({"misfire": "never"}, "misfire: Invalid enum value 'never'"),
    ({"misfire_cap": 0}, "misfire_cap: give 1 to"),
    ({"overlap": 1}, "overlap: expected str, got int"),
]


async def test_orders_that_could_never_run(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    good = {"orch_id": str(orchestration), "workspace_id": workspace, "schedule": "@daily"}
    for wrong, words in ORDER:
        refused = await world.post("task/run_scheduled", {**good, **wrong}, 400)
        assert refused["msg"].startswith(words), (wrong, refused)
    for missing in good:
        rest = {name: value for name, value in good.items() if name != missing}
        refused = await world.post("task/run_scheduled", rest, 400)
        assert refused["msg"] == f"{missing}: this field is required; add it"
    assert await world.post("task/list", {"workspace_id": workspace}) == []


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("task/get_by_id", {"id": "1"}, "id: Invalid UUID"),
        ("task/get_by_id", {"id": str(uuid4()), "run_limit": -1}, "run_limit: expected"),
        ("task/get_by_id", {"id": str(uuid4()), "run_limit": 10**6}, "run_limit: expected"),
        ("task/list", {"orch_sha": "0" * 63}, "orch_sha: expected str matching regex"),
        ("task/get_tasks_by_orch_sha", {"sha": "x" * 64}, "sha: expected str matching regex"),
        ("task/list_task_runs", {"task_id": str(uuid4()), "limit": 0}, "limit: expected"),
        ("task/list_task_runs", {"task_id": str(uuid4()), "status": "x"}, "status: Invalid enum"),
        ("task/get_logs_for_run", {"id": str(uuid4()), "lines": 0}, "lines: expected"),
        ("task/get_logs_for_run", {"id": str(uuid4()), "lines": -5}, "lines: expected"),
        ("orchestration/list_all", {"workspace_ids": ["1"]}, "workspace_ids[0]: expected int"),
        ("orchestration/get_by_id", {}, "id: this field is required"),
    ],
)
async def test_one_field_is_wrong(
    world: World, path: str, body: dict[str, Any], words: str
) -> None:
    refused = await world.post(path, body, 400)
    assert refused["msg"].startswith(words), refused


async def test_text_that_is_not_utf_8(world: World) -> None:
    body = b'{"workspace_name": "\xff"}'
    path = "/v1/api/workspaces/create"
    answer = await world.service.call("POST", path, world.token, data=body)
    assert (answer.status, answer.body["msg"]) == (400, "body: not UTF-8; send JSON in UTF-8")


async def test_the_largest_arguments_are_taken(world: World) -> None:
    arguments = {"a": "x" * (256 * 1024 - 8)}
    deep: Any = "end"
    for _ in range(99):
        deep = [deep]
    _, task = await world.ready_task(json=arguments)
    assert (await world.post("task/get_by_id", {"id": str(task)}))["input_data"] == arguments
    _, task = await world.ready_task(json={"a": deep})
    assert (await world.post("task/get_by_id", {"id": str(task)}))["input_data"] == {"a": deep}


async def test_a_schedule_that_ends_this_year_is_taken(world: World) -> None:
    year = datetime.now(UTC).year + 1
    await world.ready_task(schedule=f"0 0 12 1-15 2 {year}")
