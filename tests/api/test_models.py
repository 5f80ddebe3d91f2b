"""Models over HTTP: configured, listed and found."""

from typing import Any

import pytest
from msgspec.structs import replace

from libs.domain.events import ModelVersionPackaged
from libs.domain.ids import model_version_stream
from tests.api.model_uploads import refused, version
from tests.api.served_world import READY, SHA, Version, model_version
from tests.api.world import World


@pytest.fixture
async def workspace(world: World) -> int:
    return await world.workspace()


@pytest.fixture
async def rf(world: World, workspace: int) -> Version:
    return await model_version(world, workspace, tensor_fields=["tensor"])


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


async def test_the_log_of_an_upload_has_its_environment_and_what_its_library_warns_of(
    world: World, workspace: int
) -> None:
    seconds = {"resolve": 0.52, "install": 12.0}
    packaged = ModelVersionPackaged(environment="e1", lock_digest="0", seconds=seconds)
    one = await model_version(
        world,
        workspace,
        outcome=packaged,
        framework="sklearn",
        requirements=["scikit-learn", "six"],
    )
    warned = replace(READY, warnings=["pickled by version 1.9"])
    assert (await logs(world, one.number))[1:] == [
        "needs an environment with scikit-learn, six",
        "environment e1 is there: install 12.0 s, resolve 0.5 s",
        "waits to be loaded and probed",
    ]
    await world.append(model_version_stream(workspace, one.id), warned)
    assert (await logs(world, one.number))[3:] == [
        "warning: pickled by version 1.9",
        "loaded and probed: inputs float_input; outputs variable",
    ]


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
