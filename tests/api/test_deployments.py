"""Pipelines deployed and undeployed over HTTP, and what clients are told of it meanwhile."""

import asyncio
from typing import Any
from uuid import uuid4

from libs.domain.events import (
    DeploymentRequested,
    ModelVersionConfigured,
    ModelVersionDeleted,
    ModelVersionFailed,
)
from libs.domain.ids import StreamId, deployment_stream, pipeline_stream
from libs.domain.values import ReplicaLimits, Scaling
from tests.api.definitions import broken, inference, model, pending, versions_of
from tests.api.served_world import READY, SHA
from tests.api.test_pipelines import built, refused
from tests.api.world import World


def stream_of(workspace: int, name: str = "p") -> StreamId:
    return deployment_stream(workspace, pipeline_stream(workspace, name).uuid)


async def requested(world: World, workspace: int) -> DeploymentRequested:
    """What the inference service is told."""
    event = (await world.log.read(stream_of(workspace)))[-1].event
    assert isinstance(event, DeploymentRequested)
    return event


async def deploy(world: World, version: Any, status: int = 200, **more: Any) -> Any:
    number = version["pipeline_variant_pk_id"]
    body = {"deploy_id": "p", "pipeline_version_pk_id": number, "engine_config": {}, **more}
    return await world.post("pipelines/deploy", body, status)


async def deployed(world: World, workspace: int, **more: Any) -> int:
    made = await built(world, workspace, definition=inference(await model(world, workspace)))
    return int((await deploy(world, made, **more))["id"])


async def test_a_deployment_says_all_that_whoever_serves_it_needs(world: World) -> None:
    workspace = await world.workspace()
    used = await model(world, workspace, fields=["tensor"])
    made = await built(world, workspace, definition=inference(used))
    config = {
        "engine": {
            "replicas": 2,
            "cpu": 0.5,
            "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}},
        },
        "workspace_id": workspace,
    }
    await deploy(world, made, engine_config=config)
    event = await requested(world, workspace)
    assert (event.name, str(event.version)) == ("p", made["pipeline_variant_version"])
    assert event.version_number == made["pipeline_variant_pk_id"]
    assert event.steps == inference(used)["steps"]
    assert event.scaling == Scaling(least=2, most=2)
    assert event.limits == ReplicaLimits(cpus=0.5, memory_bytes=1 << 30)
    assert event.engine_config == config
    (loaded,) = event.models
    assert (loaded.name, str(loaded.version), loaded.sha) == ("m", used["version"], SHA)
    assert (loaded.inputs, loaded.outputs) == (READY.inputs, READY.outputs)
    assert (loaded.tensor_fields, loaded.trees, loaded.threads) == (["tensor"], True, 4)
    assert loaded.blob.startswith("models/")


async def test_a_config_of_later_waits_for_the_next_deployment(world: World) -> None:
    workspace = await world.workspace()
    used = await model(world, workspace, fields=["first"])
    made = await built(world, workspace, definition=inference(used))
    await deploy(world, made)
    await world.append(
        versions_of(workspace, used), ModelVersionConfigured(tensor_fields=["second"])
    )
    await world.service.caught_up()
    assert (await requested(world, workspace)).models[0].tensor_fields == ["first"]
    await deploy(world, made)
    assert (await requested(world, workspace)).models[0].tensor_fields == ["second"]


async def test_a_pipeline_keeps_its_deployment_for_good(world: World) -> None:
    workspace = await world.workspace()
    first = await deployed(world, workspace)
    assert await deployed(world, workspace) == first
    await world.post("pipelines/undeploy", {"deployment_id": first})
    assert await deployed(world, workspace) == first
    assert await deployed(world, await world.workspace()) != first


async def test_one_model_in_several_steps_is_loaded_once(world: World) -> None:
    workspace = await world.workspace()
    one, other = await model(world, workspace), await model(world, workspace, "other")
    weights = [{"model": each, "weight": 1} for each in (one, other)]
    steps = [{"RandomSplit": {"hash_key": None, "weights": weights}}, *inference(one)["steps"]]
    made = await built(world, workspace, definition={"steps": steps})
    await deploy(world, made)
    event = await requested(world, workspace)
    assert [each.name for each in event.models] == ["m", "other"]


async def test_what_tutorials_send_beside_is_taken_too(world: World) -> None:
    workspace = await world.workspace()
    used = await model(world, workspace)
    made = await built(world, workspace, definition=inference(used))
    beside: dict[str, Any] = {"models": [used], "model_configs": [1], "model_ids": [1]}
    pipeline = {"pipeline_id": made["pipeline_pk_id"]}
    number = (await deploy(world, made, **pipeline, **beside))["id"]
    both = {**pipeline, "deployment_id": number}
    assert (await world.post("pipelines/undeploy", both))["id"] == number
    body = {"deploy_id": "p", "pipeline_version": made["pipeline_variant_version"]}
    assert await world.post("pipelines/deploy", body) == {"id": number}
    assert (await world.post("pipelines/undeploy", pipeline))["id"] == number


async def test_what_can_not_be_served_is_refused_with_the_reason(world: World) -> None:
    workspace, elsewhere = await world.workspace(), await world.workspace()
    good, there = await model(world, workspace), await model(world, elsewhere)
    bad = await broken(world, workspace, "it has no inputs")
    refusals = {
        "it has no inputs": inference(bad),
        f"workspace {workspace} has no model 'm'": inference(there),
        "with version": inference({**good, "version": str(uuid4())}),
        "and that sha": inference({**good, "sha": "0" * 64}),
        "has no model 'n'": inference({**good, "name": "n"}),
        "'no-uuid'": inference({**good, "version": "no-uuid"}),
        "'Average'": {"steps": [*inference(good)["steps"], {"Average": {}}]},
    }
    for reason, definition in refusals.items():
        order = {"pipeline_id": "p", "workspace_id": workspace, "definition": definition}
        answer = await world.service.post("pipelines/create", order, world.token)
        assert (answer.status, answer.body["msg"][:16]) == (400, "definition.steps"), reason
        assert reason in answer.body["msg"], reason
    assert await world.log.last(pipeline_stream(workspace, "p")) is None
    empty = await deploy(world, await built(world, workspace), 400)
    assert "add a model step" in empty["msg"]
    made = await built(world, workspace, definition=inference(good))
    gpu = await deploy(world, made, 400, engine_config={"engine": {"gpu": 1}})
    assert gpu["msg"].startswith("engine_config.engine.gpu: ")
    many = await deploy(world, made, 400, engine_config={"engine": {"replicas": 65}})
    assert many["msg"].startswith("engine_config.engine: ")
    assert await world.log.last(stream_of(workspace)) is None


async def test_a_model_that_was_deleted_or_found_broken_meanwhile_is_refused(
    world: World,
) -> None:
    workspace = await world.workspace()
    gone, bad = await model(world, workspace, "gone"), await pending(world, workspace, "bad")
    made = [await built(world, workspace, definition=inference(each)) for each in (gone, bad)]
    failed = ModelVersionFailed(reason="no ONNX")
    for each, event in ((gone, ModelVersionDeleted()), (bad, failed)):
        await world.append(versions_of(workspace, each), event)
    await world.service.caught_up()
    for version, reason in zip(made, ("has no model 'gone'", "model 'bad': no ONNX"), strict=True):
        assert reason in (await deploy(world, version, 400))["msg"]


async def test_a_pipeline_and_a_version_of_another_are_refused(world: World) -> None:
    workspace = await world.workspace()
    used = inference(await model(world, workspace))
    made, other = (
        await built(world, workspace, definition=used),
        await built(world, workspace, "q"),
    )
    answer = await deploy(world, made, 400, pipeline_id=other["pipeline_pk_id"])
    assert answer["msg"].startswith("pipeline_id: ")
    body: dict[str, Any] = {"deploy_id": "p"}
    await refused(world, "pipelines/deploy", body, 400, "pipeline_version_pk_id")
    body = {"pipeline_version_pk_id": 10**9}
    await refused(world, "pipelines/deploy", body, 404, "pipeline_version_pk_id")


async def test_a_model_that_is_being_probed_is_waited_for(world: World) -> None:
    workspace = await world.workspace()
    used = await pending(world, workspace)
    made = await built(world, workspace, definition=inference(used))
    waiting = asyncio.create_task(deploy(world, made))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    await world.append(versions_of(workspace, used), READY)
    assert (await waiting)["id"]


async def test_undeploying_twice_is_undeploying_once(world: World) -> None:
    workspace = await world.workspace()
    number = await deployed(world, workspace)
    for _ in range(2):
        await world.post("pipelines/undeploy", {"deployment_id": number})
    kinds = [type(fact.event).__name__ for fact in await world.log.read(stream_of(workspace))]
    assert kinds == ["DeploymentRequested", "DeploymentUndeployed"]
    await refused(world, "pipelines/undeploy", {"deployment_id": 10**9}, 404, "deployment_id")
    await refused(world, "pipelines/undeploy", {}, 400, "deployment_id")


async def test_what_is_deleted_while_its_model_is_probed_is_not_deployed(world: World) -> None:
    workspace = await world.workspace()
    for path in ("pipelines/delete_pipeline_versions", "pipelines/delete_pipeline"):
        used = await pending(world, workspace)
        made = await built(world, workspace, definition=inference(used))
        body = {"pipeline_version_pk_id": made["pipeline_variant_pk_id"]}
        waiting = asyncio.create_task(
            refused(world, "pipelines/deploy", body, 404, "pipeline_version_pk_id")
        )
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
        version = {"pipeline_versions": [made["pipeline_variant_version"]]}
        await world.post(path, {"pipeline_id": "p", "workspace_id": workspace, **version})
        await world.append(versions_of(workspace, used), READY)
        await waiting
    assert await world.log.read(stream_of(workspace)) == []


async def test_a_deployment_sent_again_under_its_key_is_one(world: World) -> None:
    workspace = await world.workspace()
    made = await built(world, workspace, definition=inference(await model(world, workspace)))
    body = {"deploy_id": "p", "pipeline_version_pk_id": made["pipeline_variant_pk_id"]}
    headers = {"Idempotency-Key": f"k-{uuid4()}"}
    call = ("POST", "/v1/api/pipelines/deploy", world.token)
    first = await world.service.call(*call, json=body, headers=headers)
    again = await world.service.call(*call, json=body, headers=headers)
    assert (again.status, again.body) == (200, first.body)
    assert len(await world.log.read(stream_of(workspace))) == 1
    other = body | {"engine_config": {"engine": {"replicas": 2}}}
    answer = await world.service.call(*call, json=other, headers=headers)
    assert answer.status == 409


async def test_what_is_deployed_is_not_deleted(world: World) -> None:
    workspace = await world.workspace()
    number = await deployed(world, workspace)
    body = {"pipeline_id": "p", "workspace_id": workspace}
    await refused(world, "pipelines/delete_pipeline", body, 409, "pipeline_id")
    await world.post("pipelines/undeploy", {"deployment_id": number})
    assert await world.post("pipelines/delete_pipeline", body) == body


async def test_nobody_reaches_deployments_of_another_workspace(
    world: World, outsider: World
) -> None:
    workspace = await world.workspace()
    made = await built(world, workspace, definition=inference(await model(world, workspace)))
    number = (await deploy(world, made))["id"]
    bodies = {
        "pipelines/deploy": {"pipeline_version_pk_id": made["pipeline_variant_pk_id"]},
        "pipelines/undeploy": {"deployment_id": number},
        "status/get_deployment": {"name": f"p-{number}"},
        "deployments/list": {"workspace_id": workspace},
        "admin/get_pipeline_external_url": {"pipeline_name": "p", "workspace_id": workspace},
    }
    for path, body in bodies.items():
        assert (await outsider.service.post(path, body, outsider.token)).status == 403, path
    assert (await outsider.post("deployments/list", {}))["deployments"] == []
