"""Models deleted over HTTP, and their files with them."""

import asyncio
from uuid import UUID, uuid4

import pytest

from libs.domain.events import DeploymentRequested, ModelCreated, ModelDeleted, ModelVersionDeleted
from libs.domain.ids import (
    deployment_stream,
    model_stream,
    model_version_stream,
    pipeline_stream,
)
from libs.domain.values import DeployedModel
from services.api.models import commands
from tests.api.model_uploads import (
    FILE,
    event_of,
    metadata,
    refused,
    uploaded,
    version,
)
from tests.api.served_world import INPUT, OUTPUT, SHA, Version, model_version
from tests.api.service import PATIENCE
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
        await gone(world, blob)
    await refused(world, "models/delete_model", body, 404)
    again = await uploaded(world, metadata(workspace))
    (item,) = (await world.post("models/list", {"workspace_id": workspace}))["models"]
    found = await world.post("models/get", {"id": item["model"]["id"]})
    assert [one["id"] for one in found["models"]] == [again]


async def gone(world: World, blob: str) -> None:
    """Returns once the file is."""
    async with asyncio.timeout(PATIENCE):
        while (world.service.blobs / blob).exists():  # noqa: ASYNC110 - a fact of the disk
            await asyncio.sleep(0.01)


async def kept_version(world: World, workspace: int) -> tuple[Version, str]:
    """One with a file, and the key of that."""
    blob = f"models/{workspace}/{uuid4()}"
    (world.service.blobs / blob).parent.mkdir(parents=True, exist_ok=True)
    (world.service.blobs / blob).write_bytes(FILE)
    return await model_version(world, workspace, blob=blob), blob


async def test_a_file_goes_even_if_the_api_ended_right_after_the_deletion(
    world: World, workspace: int
) -> None:
    (one, first), (_, second) = [await kept_version(world, workspace) for _ in range(2)]
    await world.append(model_version_stream(workspace, one.id), ModelVersionDeleted())
    await gone(world, first)
    assert (world.service.blobs / second).exists()
    await world.append(model_stream(workspace, "rf"), ModelDeleted())
    await gone(world, second)


async def test_the_file_of_an_upload_that_a_deletion_overtook_goes_too(
    world: World, workspace: int
) -> None:
    await kept_version(world, workspace)
    await world.append(model_stream(workspace, "rf"), ModelDeleted())
    overtaken, blob = await kept_version(world, workspace)
    await gone(world, blob)
    await refused(world, "models/get_version_by_id", {"model_version_id": overtaken.number}, 404)
    await world.append(model_stream(workspace, "rf"), ModelCreated(name="rf"))
    again, blob = await kept_version(world, workspace)
    assert (await version(world, again.number))["model_version"]["status"] == "ready"
    assert (world.service.blobs / blob).exists()


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
