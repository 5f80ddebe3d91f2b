"""Models uploaded over HTTP, and probed."""

import asyncio
import hashlib
import json
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from libs.domain.events import (
    ModelVersionFailed,
    ModelVersionUploaded,
)
from libs.domain.ids import (
    workspace_pattern,
)
from services.api.models import commands
from tests.api.model_uploads import (
    FILE,
    ONNX,
    event_of,
    metadata,
    upload,
    uploaded,
    version,
    zipped,
)
from tests.api.served_world import READY, Version, model_version
from tests.api.service import Answer
from tests.api.world import World


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PROBE_TIMEOUT_SECONDS", 0.05)


@pytest.fixture
async def workspace(world: World) -> int:
    return await world.workspace()


@pytest.fixture
async def rf(world: World, workspace: int) -> Version:
    return await model_version(world, workspace, tensor_fields=["tensor"])


async def test_an_upload_makes_a_model_and_a_version(world: World, workspace: int) -> None:
    number = await uploaded(world, metadata(workspace))
    found = await version(world, number)
    one = found["model_version"]
    assert (one["id"], one["name"], one["status"]) == (number, "rf", "pending_load_native")
    assert one["file_info"]["sha"] == hashlib.sha256(FILE).hexdigest()
    assert (one["file_info"]["file_name"], one["file_info"]["size"]) == ("rf_model.onnx", len(FILE))
    assert (one["conversion"], one["deployed"]) == (ONNX, False)
    assert (found["config"]["id"], found["config"]["model_version_id"]) == (number, number)
    assert (found["config"]["runtime"], found["config"]["tensor_fields"]) == ("onnx", None)


async def test_the_bytes_are_kept_as_they_came(world: World, workspace: int) -> None:
    number = await uploaded(world, metadata(workspace))
    event = await event_of(world, workspace, number)
    assert (world.service.blobs / event.blob).read_bytes() == FILE


@pytest.mark.parametrize("path", ["models/upload", "models/upload_and_convert"])
async def test_an_upload_under_a_name_that_there_is_makes_another_version(
    world: World, rf: Version, path: str
) -> None:
    number = await uploaded(world, metadata(rf.workspace), path=path)
    found = await world.post("models/get", {"id": rf.model})
    assert [one["id"] for one in found["models"]] == [number, rf.number]


async def test_first_uploads_at_once_make_one_model(world: World, workspace: int) -> None:
    numbers = await asyncio.gather(*(uploaded(world, metadata(workspace)) for _ in range(5)))
    (item,) = (await world.post("models/list", {"workspace_id": workspace}))["models"]
    found = await world.post("models/get", {"id": item["model"]["id"]})
    assert sorted(one["id"] for one in found["models"]) == sorted(numbers)


async def test_without_a_name_a_model_has_that_of_the_file(world: World, workspace: int) -> None:
    number = await uploaded(world, metadata(workspace, name=""))
    assert (await version(world, number))["model_version"]["name"] == "rf_model"


async def test_an_upload_waits_until_it_is_probed(
    world: World, workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PROBE_TIMEOUT_SECONDS", 60.0)
    waiting = asyncio.create_task(uploaded(world, metadata(workspace)))
    await world.append(await stream_of_upload(world, workspace), READY)
    found = (await version(world, await waiting))["model_version"]
    assert found["status"] == "ready"
    assert [one["name"] for one in found["inputs"]] == ["float_input"]


async def test_an_upload_that_can_not_be_loaded_is_refused_with_the_reason(
    world: World, workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PROBE_TIMEOUT_SECONDS", 60.0)
    waiting = asyncio.create_task(upload(world, metadata(workspace)))
    failed = ModelVersionFailed(reason="it is no ONNX file")
    await world.append(await stream_of_upload(world, workspace), failed)
    answer = await waiting
    assert (answer.status, answer.body["msg"]) == (400, "file: it is no ONNX file")
    (item,) = (await world.post("models/list", {"workspace_id": workspace}))["models"]
    (one,) = (await world.post("models/get", {"id": item["model"]["id"]}))["models"]
    assert one["status"] == "error"
    told = await world.post("models/get_upload_logs", {"model_version_id": one["id"]})
    assert told["logs"][1] == "can't be served: it is no ONNX file"


async def stream_of_upload(world: World, workspace: int) -> Any:
    """As soon as there is one in the workspace."""
    async for batch in world.log.follow(0, [workspace_pattern(workspace)]):
        for fact in batch:
            if isinstance(fact.event, ModelVersionUploaded):
                return fact.stream
    raise AssertionError("the log ended")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"conversion": {"framework": "tensorflow"}},
            "conversion.framework: 'tensorflow' is not served here; supported: onnx, python",
        ),
        ({"conversion": ONNX | {"framework": "python"}}, "input_schema: a model of framework"),
        (
            {"conversion": ONNX | {"framework": "python"}, "input_schema": "AAAA"},
            "output_schema: a model of framework python needs both schemas",
        ),
        ({"conversion": {}}, "conversion.framework: '' is not served here"),
        ({"conversion": ONNX | {"arch": "power10"}}, "conversion.arch: 'power10' is not served"),
        ({"conversion": ONNX | {"accel": "cuda"}}, "conversion.accel: 'cuda' is not served"),
        ({"conversion": ONNX | {"accel": {"qaic": {}}}}, "supported: none"),
        ({"conversion": ONNX | {"more": "x" * 20_000}}, "conversion: more than 16384 bytes"),
        ({"conversion": 7}, "metadata: conversion: expected object"),
        ({"name": "two words"}, "name: 'two words' is no name for it"),
        ({"workspace_id": None}, "metadata: workspace_id: expected int"),
        ({"image_path": "registry/image"}, "image_path: there are no container images"),
    ],
)
async def test_what_can_not_be_served_is_refused_by_name(
    world: World, workspace: int, given: dict[str, Any], words: str
) -> None:
    answer = await upload(world, metadata(workspace) | given)
    assert (answer.status, answer.body["reason"]) == (400, "invalid")
    assert words in answer.body["msg"]
    assert (await world.post("models/list", {"workspace_id": workspace}))["models"] == []


async def test_a_python_step_comes_with_its_schemas(world: World, workspace: int) -> None:
    said = metadata(workspace, input_schema="AAAA", output_schema="BBBB")
    said["conversion"] = ONNX | {"framework": "python"}
    config = (await version(world, await uploaded(world, said, file=zipped({}))))["config"]
    assert (config["input_schema"], config["output_schema"]) == ("AAAA", "BBBB")


async def test_an_empty_file_is_refused(world: World, workspace: int) -> None:
    answer = await upload(world, metadata(workspace), file=b"")
    assert (answer.status, answer.body["msg"]) == (400, "file: it is empty; send the model")


async def test_an_upload_that_comes_again_is_one_version(world: World, workspace: int) -> None:
    key = str(uuid4())
    first, again = [await uploaded(world, metadata(workspace), key=key) for _ in range(2)]
    assert first == again
    other = await upload(world, metadata(workspace), file=b"another", key=key)
    assert (other.status, other.body["reason"]) == (409, "conflict")


async def streamed(world: World, query: str, file: bytes = FILE) -> Answer:
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/v1/api/models/upload_stream?{query}"
    return await world.service.call("POST", path, world.token, data=file, headers=headers)


async def test_the_body_may_be_the_file(world: World, workspace: int) -> None:
    query = f"name=rf&filename=a.onnx&visibility=private&workspace_id={workspace}"
    answer = await streamed(world, query)
    assert answer.status == 200, answer.body
    number = answer.body["insert_models"]["returning"][0]["models"][0]["id"]
    found = (await version(world, number))["model_version"]
    assert (found["name"], found["file_info"]["file_name"]) == ("rf", "a.onnx")
    assert found["file_info"]["sha"] == hashlib.sha256(FILE).hexdigest()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("name=rf", "workspace_id: "),
        ("name=rf&workspace_id=x", "workspace_id: "),
        ("name=a+b&workspace_id={}", "name: 'a b' is no name"),
    ],
)
async def test_a_stream_says_what_is_wrong_with_its_address(
    world: World, workspace: int, query: str, words: str
) -> None:
    answer = await streamed(world, query.format(workspace))
    assert answer.status == 400
    assert answer.body["msg"].startswith(words)


async def test_i8_an_upload_into_another_workspace_is_refused_before_the_file_comes(
    outsider: World, workspace: int
) -> None:
    async def endless() -> Any:
        yield (
            b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'
            + json.dumps(metadata(workspace)).encode()
            + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="m"\r\n\r\n'
        )
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    headers = {
        "Authorization": f"Bearer {outsider.token}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    url = f"{outsider.service.url}/v1/api/models/upload"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=endless(), headers=headers) as answer,
    ):
        assert answer.status == 403
