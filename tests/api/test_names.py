"""Control characters and halves of characters: refused at every place where something is named."""

from typing import Any

import pytest

from services.api.http.surrogates import field_with_half
from tests.api.world import HELLO, World, form

ESCAPE = "a\x1b[2Jb"


async def test_nothing_gets_a_name_with_control_characters(world: World) -> None:
    workspace = await world.workspace()
    orchestration = await world.orchestration(workspace)
    order = {"orch_id": str(orchestration), "workspace_id": workspace, "schedule": "@daily"}
    webhook = {"workspace_id": workspace, "kind": "webhook", "url": "https://example.org/"}
    places: list[tuple[str, str, dict[str, Any]]] = [
        ("workspaces/create", "workspace_name", {}),
        ("connections/create", "name", {"type": "HTTP"}),
        ("connections/create", "type", {"name": "fine"}),
        ("task/run_once", "name", order),
        ("task/run_scheduled", "name", order),
        ("task/run_continuously", "name", order),
        ("tokens/create", "name", {"workspaces": [workspace]}),
        ("subscriptions/create", "name", webhook),
        ("users/create", "email", {}),
    ]
    for path, field, rest in places:
        for bad in (ESCAPE, "a\x9b31m", "a\u202eb", "a\u2028b"):
            value = f"{bad}@example.org" if field == "email" else bad
            refused = await world.post(path, {**rest, field: value}, 400)
            assert refused["msg"].startswith(f"{field}: "), (path, bad, refused)
            assert refused["reason"] == "invalid"
    metadata = f'{{"workspace_id": {workspace}, "name": "a\\u001b[2Jb"}}'
    answer = await world.send(form(HELLO, metadata))
    assert (answer.status, answer.body["reason"]) == (400, "invalid")
    assert answer.body["msg"].startswith("metadata: name: give 1 to 256 characters, no control ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (rb'{"workspace_name": "\ud800"}', "workspace_name: half of a surrogate pair"),
        (rb'{"workspace_name": "a\udc00b"}', "workspace_name: half of a surrogate pair"),
        (rb'{"workspace_name": "\ud800\u0041"}', "workspace_name: half of a surrogate pair"),
        (rb'{"workspace_name": "x", "y": {"z": ["\ud800"]}}', "y.z[0]: half of a surrogate pair"),
        (rb'{"\ud800": 1}', "body: half of a surrogate pair"),
        (rb'{"workspace_name": "\ud800', "body: Input data was truncated"),
    ],
)
async def test_halves_of_characters(world: World, body: bytes, words: str) -> None:
    path = "/v1/api/workspaces/create"
    answer = await world.service.call("POST", path, world.token, data=body)
    assert answer.status == 400, answer.body
    assert answer.body["msg"].startswith(words), answer.body
    if "half" in words:
        assert answer.body["msg"].endswith("leave it out")


def test_whole_pairs_are_characters() -> None:
    assert field_with_half(rb'{"a": "\ud83d\ude00"}') is None
