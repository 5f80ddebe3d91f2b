"""What users give as JSON comes back as they gave it: keys in order, large numbers, 1.0 not 1."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.domain.events import TaskCreated, decode, encode
from tests.api.service import Service
from tests.api.world import World

GIVEN = (
    '{"steps": {"load": 1, "clean": 1.0, "a_fit": [{"z": 1, "b": {"y": null, "x": -0.0}}]},'
    ' "Z": 123456789012345678901234567890, "a": 18446744073709551616, "10": 1e22, "9": "\\u00e9"}'
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), VALUES, max_size=6))
def test_an_event_keeps_arguments_as_they_are(arguments: dict[str, Any]) -> None:
    order = TaskCreated(kind="once", orchestration=uuid4(), arguments=arguments)
    found = decode(encode(order))
    assert isinstance(found, TaskCreated)
    assert json.dumps(found.arguments) == json.dumps(arguments)


async def raw(service: Service, token: str, path: str, body: dict[str, Any]) -> str:
    answer = await service.call("POST", path, token, json=body)
    assert answer.status == 200, answer.body
    return json.dumps(answer.body)  # which keeps the order, as Python's json does when it reads


async def test_arguments_come_back_as_they_were_given(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    order = f'{{"orch_id": "{orchestration}", "workspace_id": {workspace}, "json": {GIVEN}}}'
    answer = await world.service.call(
        "POST", "/v1/api/task/run_once", world.token, data=order.encode()
    )
    assert answer.status == 201, answer.body
    expected, id = json.dumps(json.loads(GIVEN)), answer.body["id"]
    service, token = world.service, world.token
    assert expected in await raw(service, token, "/v1/api/task/get_by_id", {"id": id})
    assert expected in await raw(service, token, "/v1/api/task/list", {"workspace_id": workspace})
    path = f"/v1/api/events?workspace={workspace}&aggregate=task:{id}"
    page = await service.call("GET", path, token)
    assert expected in json.dumps(page.body), page.body


async def test_connections_keep_their_details_as_they_are(world: World) -> None:
    name = f"c-{uuid4().hex}"
    order = f'{{"name": "{name}", "type": "HTTP", "details": {GIVEN}}}'
    service, token = world.service, world.token
    made = await service.call("POST", "/v1/api/connections/create", token, data=order.encode())
    assert made.status < 300, made.body
    told = await raw(service, token, "/v1/api/connections/get", {"name": name})
    assert json.dumps(json.loads(GIVEN)) in told


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1e400", "give a smaller number"),
        ("-1e400", "give a smaller number"),
        ("7" * 5000, "give a smaller number"),
        ("NaN", "send a JSON object"),
        ("Infinity", "send a JSON object"),
    ],
)
async def test_numbers_that_are_none(world: World, value: str, words: str) -> None:
    body = f'{{"orch_id": "{uuid4()}", "workspace_id": 1, "json": {{"a": {value}}}}}'
    answer = await world.service.call(
        "POST", "/v1/api/task/run_once", world.token, data=body.encode()
    )
    assert answer.status == 400, answer.body
    assert words in answer.body["msg"], answer.body
