"""Models over HTTP: uploaded, probed, configured, found and deleted."""

import asyncio
import hashlib
import io
import json
import zipfile
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from libs.domain.events import (
    DeploymentRequested,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionUploaded,
)
from libs.domain.ids import (
    deployment_stream,
    model_version_stream,
    pipeline_stream,
    workspace_pattern,
)
from libs.domain.model_version import REQUIREMENTS
from libs.domain.values import DeployedModel
from services.api.models import commands
from tests.api.served_world import INPUT, OUTPUT, READY, SHA, Version, model_version
from tests.api.service import Answer
from tests.api.world import World, form

FILE = b"\x08\x08\x12\x04onnx"
ONNX = {"framework": "onnx", "arch": "x86", "accel": "none", "requirements": []}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PROBE_TIMEOUT_SECONDS", 0.05)


@pytest.fixture
async def workspace(world: World) -> int:
    return await world.workspace()


@pytest.fixture
async def rf(world: World, workspace: int) -> Version:
    return await model_version(world, workspace, tensor_fields=["tensor"])


def metadata(workspace: int, name: str = "rf", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "visibility": "private",
        "workspace_id": workspace,
        "conversion": ONNX,
        **more,
    }


async def upload(
    world: World,
    said: dict[str, Any],
    file: bytes = FILE,
    path: str = "models/upload",
    key: str | None = None,
) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    data = form(file, json.dumps(said), "rf_model.onnx")
    return await world.service.call(
        "POST", f"/v1/api/{path}", world.token, data=data, headers=headers
    )


async def uploaded(world: World, said: dict[str, Any], **more: Any) -> int:
    answer = await upload(world, said, **more)
    assert answer.status == 200, answer.body
    number: int = answer.body["insert_models"]["returning"][0]["models"][0]["id"]
    return number


async def version(world: World, number: int) -> Any:
    answer = await world.post("models/get_version_by_id", {"model_version_id": number})
    return answer["model_version"]


async def refused(world: World, path: str, body: Any, status: int = 400) -> str:
    message: str = (await world.post(path, body, status))["msg"]
    return message


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


async def event_of(world: World, workspace: int, number: int) -> ModelVersionUploaded:
    id = UUID((await version(world, number))["model_version"]["file_info"]["version"])
    (fact, *_) = await world.log.read(model_version_stream(workspace, id))
    assert isinstance(fact.event, ModelVersionUploaded)
    return fact.event


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
    (_, why) = await logs(world, one["id"])
    assert why == "can't be served: it is no ONNX file"


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


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"step.py": "", **files}.items():
            archive.writestr(name, text)
    return buffer.getvalue()


SKLEARN, SKOPS = REQUIREMENTS["sklearn"]
XGBOOST = REQUIREMENTS["xgboost"]


@pytest.mark.parametrize(
    ("framework", "files", "stated", "asked"),
    [
        ("python", {}, [], []),
        ("python", {"a/requirements.txt": "# none\n\n"}, [], []),
        ("python", {"requirements.txt": "Six == 1.16.0 # old\n"}, [], ["Six==1.16.0"]),
        ("custom", {"requirements.txt": "six"}, ["attrs>1"], ["attrs>1", "six"]),
        ("sklearn", {"requirements.txt": "six"}, [], [SKLEARN, SKOPS]),
        ("sklearn", {}, ["scikit_learn<1.8"], ["scikit_learn<1.8", SKOPS]),
        ("xgboost", {}, [], [*XGBOOST]),
        ("xgboost", {}, ["xgboost==3.0.0"], ["xgboost==3.0.0", XGBOOST[1]]),
        ("onnx", {}, ["six"], []),
    ],
)
async def test_an_upload_says_which_packages_it_needs(
    world: World,
    workspace: int,
    framework: str,
    files: dict[str, str],
    stated: list[str],
    asked: list[str],
) -> None:
    said = metadata(workspace, input_schema="AAAA", output_schema="BBBB")
    said["conversion"] = ONNX | {"framework": framework, "requirements": stated}
    number = await uploaded(world, said, file=zipped(files))
    id = UUID((await version(world, number))["model_version"]["file_info"]["version"])
    event = (await world.log.read(model_version_stream(workspace, id)))[0].event
    assert isinstance(event, ModelVersionUploaded)
    assert event.requirements == asked


@pytest.mark.parametrize(
    ("files", "stated", "words"),
    [
        ({"requirements.txt": "-e ."}, [], "requirements.txt: line 1 ('-e .') is an option"),
        ({"requirements.txt": "a", "b/requirements.txt": "c"}, [], "file: more than one req"),
        ({}, ["git+https://host/x"], "conversion.requirements: line 1 ('git+https://host/x')"),
        ({}, "six", "conversion.requirements: it is a list of texts"),
    ],
)
async def test_requirements_that_can_not_be_read_are_refused_at_once(
    world: World, workspace: int, files: dict[str, str], stated: Any, words: str
) -> None:
    said = metadata(workspace, input_schema="AAAA", output_schema="BBBB")
    said["conversion"] = ONNX | {"framework": "python", "requirements": stated}
    answer = await upload(world, said, file=zipped(files))
    assert (answer.status, answer.body["reason"]) == (400, "invalid")
    assert words in answer.body["msg"]


async def test_a_step_in_an_environment_is_loaded_once_that_is_there(
    world: World, workspace: int
) -> None:
    one = await model_version(world, workspace, outcome=None, requirements=["six"])
    statuses = []
    for event in (None, ModelVersionPackaged(environment="e", lock_digest="0"), READY):
        if event is not None:
            await world.append(model_version_stream(workspace, one.id), event)
            await world.service.caught_up()
        found = (await version(world, one.number))["model_version"]
        statuses.append(found["status"])
    assert statuses == ["pending_load_native", "attempting_load_container", "ready"]


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


async def test_each_config_is_a_new_one_and_the_newest_is_told(world: World, rf: Version) -> None:
    order = {
        "model_version_id": rf.number,
        "tensor_fields": ["tensor"],
        "filter_threshold": 0.5,
        "batch_config": "single",
        "dynamic_batching_config": {"batch_size_target": 8},
        "unknown": 7,
    }
    first, second = [
        (await world.post("models/insert_model_config", order))["model_config"] for _ in range(2)
    ]
    assert rf.config < first["id"] < second["id"]
    assert (second["tensor_fields"], second["filter_threshold"]) == (["tensor"], 0.5)
    batching = {"max_batch_delay_ms": 10, "batch_size_target": 8, "batch_size_limit": None}
    assert second["dynamic_batching_config"] == batching
    found = await world.post("models/get_config_by_id", {"model_id": rf.number})
    assert found["model_config"] == second


async def test_an_empty_config_is_one_too(world: World, rf: Version) -> None:
    made = await world.post("models/insert_model_config", {"model_version_id": rf.number})
    assert made["model_config"]["tensor_fields"] is None
    assert made["model_config"]["id"] > rf.config


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tensor_fields": ["a", "b"]}, "tensor_fields: 2 columns for 1 inputs (float_input)"),
        ({"dynamic_batching_config": {"batch_size_target": 0}}, "batch_size_target"),
        (
            {"dynamic_batching_config": {"batch_size_target": 9, "batch_size_limit": 1}},
            "batch_size_limit is below",
        ),
        ({"tensor_fields": "tensor"}, "tensor_fields: expected array"),
    ],
)
async def test_a_config_that_can_not_be_is_refused(
    world: World, rf: Version, given: dict[str, Any], words: str
) -> None:
    body = {"model_version_id": rf.number, **given}
    assert words in await refused(world, "models/insert_model_config", body)


async def test_lists_have_the_models_of_a_workspace_newest_first(world: World, rf: Version) -> None:
    xgb = await model_version(world, rf.workspace, name="xgb")
    newer = await model_version(world, rf.workspace)
    found = (await world.post("models/list", {"workspace_id": rf.workspace}))["models"]
    assert [item["model"]["id"] for item in found] == [xgb.model, rf.model]
    assert found[1]["model"]["name"] == "rf"
    assert found[1]["workspace"]["id"] == rf.workspace
    one = (await version(world, newer.number))["model_version"]
    assert found[1]["model"]["updated_at"] == one["created_at"]
    assert found[0]["model_versions"] == []


async def test_lists_go_by_the_name_of_a_workspace_or_over_all(world: World, rf: Version) -> None:
    name = (await world.post("models/get", {"id": rf.model}))["workspace"]["name"]
    by_name = await world.post("models/list", {"workspace_id": None, "workspace_name": name})
    assert [item["model"]["id"] for item in by_name["models"]] == [rf.model]
    assert (await world.post("models/list", {"workspace_name": "none"}))["models"] == []
    everything = (await world.post("models/list", {}))["models"]
    assert rf.model in [item["model"]["id"] for item in everything]


async def test_versions_of_a_model_are_listed(world: World, rf: Version) -> None:
    body = {"model_id": "rf", "models_pk_id": rf.model}
    (found,) = await world.post("models/list_versions", body)
    assert (found["id"], found["models_pk_id"], found["model_id"]) == (rf.number, rf.model, "rf")
    assert (found["sha"], found["model_version"]) == (SHA, str(rf.id))
    assert (found["file_name"], found["image_path"]) == ("rf.onnx", None)


async def test_workspaces_list_their_models(world: World, rf: Version) -> None:
    found = (await world.post("workspaces/list", {}))["workspaces"]
    (mine,) = [one["models"] for one in found if one["id"] == rf.workspace]
    assert mine == [rf.model]


async def logs(world: World, number: int, **more: Any) -> list[str]:
    answer = await world.post("models/get_upload_logs", {"model_version_id": number, **more})
    lines: list[str] = answer["logs"]
    return lines


async def test_the_log_of_an_upload_says_what_became_of_it(world: World, rf: Version) -> None:
    first, second = await logs(world, rf.number)
    assert f"rf.onnx: 225818 bytes, sha {SHA}" in first
    assert second == "loaded and probed: inputs float_input; outputs variable"
    assert await logs(world, rf.number, lines=1) == [second]
    assert await logs(world, rf.number, lines=0) == []
    pending = await model_version(world, rf.workspace, outcome=None)
    assert (await logs(world, pending.number))[1] == "waits to be loaded and probed"


@pytest.mark.parametrize(
    "path",
    [
        "models/get_version_by_id",
        "models/get_config_by_id",
        "models/insert_model_config",
        "models/get",
        "models/list_versions",
        "models/get_upload_logs",
    ],
)
async def test_what_is_not_there_is_404(world: World, path: str) -> None:
    names = ("model_version_id", "model_id", "id", "models_pk_id")
    body: dict[str, Any] = dict.fromkeys(names, 10**12)
    if path == "models/list_versions":
        body["model_id"] = "rf"
    assert "there is no model" in await refused(world, path, body, 404)


async def test_a_model_is_deleted_with_its_versions_and_bytes(world: World, workspace: int) -> None:
    numbers = [await uploaded(world, metadata(workspace)) for _ in range(2)]
    blobs = [(await event_of(world, workspace, number)).blob for number in numbers]
    body = {"model_id": "rf", "workspace_id": workspace, "confirm_delete": False}
    assert await world.post("models/delete_model", body) == {"bytes": 2 * len(FILE)}
    await version(world, numbers[0])
    del body["confirm_delete"]
    assert await world.post("models/delete_model", body) == {"bytes": 2 * len(FILE)}
    for number, blob in zip(numbers, blobs, strict=True):
        order = {"model_version_id": number}
        await refused(world, "models/get_version_by_id", order, 404)
        assert not (world.service.blobs / blob).exists()
    await refused(world, "models/delete_model", body, 404)
    again = await uploaded(world, metadata(workspace))
    (item,) = (await world.post("models/list", {"workspace_id": workspace}))["models"]
    found = await world.post("models/get", {"id": item["model"]["id"]})
    assert [one["id"] for one in found["models"]] == [again]


async def test_a_version_is_deleted_alone(world: World, rf: Version) -> None:
    other = await model_version(world, rf.workspace)
    body = {"model_versions": [str(rf.id)]}
    assert await world.post("models/delete_model_versions", body) == {"bytes": 225_818}
    found = await world.post("models/get", {"id": rf.model})
    assert [one["id"] for one in found["models"]] == [other.number]
    told = await refused(world, "models/delete_model_versions", body, 404)
    assert f"there is no model version {rf.id}" in told


async def test_what_is_deployed_is_not_deleted(world: World, rf: Version) -> None:
    await deployed(world, rf)
    assert (await version(world, rf.number))["model_version"]["deployed"] is True
    body = {"model_id": "rf", "workspace_id": rf.workspace}
    told = await refused(world, "models/delete_model", body, 409)
    assert "is deployed in pipeline 'prices'; undeploy it first" in told
    ids = {"model_versions": [str(rf.id)]}
    assert "undeploy it first" in await refused(world, "models/delete_model_versions", ids, 409)


async def deployed(world: World, version: Version) -> None:
    pipeline = UUID(pipeline_stream(version.workspace, "prices").id)
    requested = DeploymentRequested(
        pipeline=pipeline,
        name="prices",
        version=uuid4(),
        version_number=1,
        steps=[],
        models=[
            DeployedModel(
                name="rf",
                version=version.id,
                number=version.number,
                config=version.config,
                sha=SHA,
                blob="b",
                framework="onnx",
                inputs=[INPUT],
                outputs=[OUTPUT],
            )
        ],
    )
    await world.append(deployment_stream(version.workspace, pipeline), requested)
    await world.service.caught_up()


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
