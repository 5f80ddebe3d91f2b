"""What clients are told of a deployment while it starts, runs, fails and ends."""

from typing import Any
from uuid import uuid4

from libs.domain.events import (
    DeploymentFailed,
    ReplicaStarted,
    ReplicaStopped,
)
from tests.api.definitions import inference, model
from tests.api.service import INTERNAL
from tests.api.test_deployments import deploy, deployed, stream_of
from tests.api.test_pipelines import built, refused
from tests.api.world import World


async def status(world: World, number: int) -> Any:
    return await world.post("status/get_deployment", {"name": f"p-{number}"})


async def test_it_is_starting_then_running_and_not_found_when_undeployed(world: World) -> None:
    workspace = await world.workspace()
    number = await deployed(world, workspace)
    shown = await status(world, number)
    assert (shown["status"], shown["engines"], shown["details"]) == ("Starting", [], [])
    replica = uuid4()
    await world.append(stream_of(workspace), ReplicaStarted(replica=replica, generation=1))
    await world.service.caught_up()
    shown = await status(world, number)
    (engine,) = shown["engines"]
    assert (shown["status"], engine["status"]) == ("Running", "Running")
    assert engine["name"] == f"engine-{replica}"
    (pipeline,) = engine["pipeline_statuses"]["pipelines"]
    assert (pipeline["id"], pipeline["status"]) == ("p", "Running")
    (loaded,) = engine["model_statuses"]["models"]
    assert loaded.keys() == {"model_version_id", "name", "sha", "status", "version"}
    (balancer,) = shown["engine_lbs"]
    assert balancer.keys() == {"ip", "name", "status", "reason", "details"}
    assert shown["sidekicks"] == []
    await world.post("pipelines/undeploy", {"deployment_id": number})
    await refused(world, "status/get_deployment", {"name": f"p-{number}"}, 404, "name")


async def test_why_it_does_not_run_stands_in_the_details(world: World) -> None:
    workspace = await world.workspace()
    number, stream = await deployed(world, workspace), stream_of(workspace)
    replica = uuid4()
    gone = ReplicaStopped(replica=replica, reason="out_of_memory", detail="over 1 GiB of memory")
    await world.append(stream, ReplicaStarted(replica=replica, generation=1), gone)
    await world.service.caught_up()
    shown = await status(world, number)
    assert (shown["status"], shown["details"]) == ("Starting", ["over 1 GiB of memory"])
    await world.append(stream, DeploymentFailed(reason="it starts and ends, again and again"))
    await world.service.caught_up()
    shown = await status(world, number)
    assert shown["status"] == "Error"
    assert shown["details"] == ["it starts and ends, again and again"]


async def test_a_version_that_fails_leaves_the_one_before_in_every_answer(world: World) -> None:
    workspace = await world.workspace()
    definition = inference(await model(world, workspace))
    first, second = [await built(world, workspace, definition=definition) for _ in range(2)]
    before, after = first["pipeline_variant_version"], second["pipeline_variant_version"]
    number, stream = int((await deploy(world, first))["id"]), stream_of(workspace)
    one = uuid4()
    await world.append(stream, ReplicaStarted(replica=one, generation=1))
    await deploy(world, second)
    await world.service.caught_up()
    shown = await status(world, number)
    assert (shown["status"], shown["details"]) == (
        "Starting",
        [f"version {before} serves until this one has started"],
    )

    await world.append(stream, DeploymentFailed(reason="it needs more memory"))
    await world.service.caught_up()

    shown = await status(world, number)
    assert shown["status"] == "Error"
    assert shown["details"] == ["it needs more memory", f"version {before} goes on serving"]
    (engine,) = shown["engines"]
    assert (engine["name"], engine["status"]) == (f"engine-{one}", "Running")
    assert engine["pipeline_statuses"]["pipelines"][0]["version"] == before
    listed = await world.post("deployments/list", {"workspace_id": workspace})
    (item,) = listed["deployments"]
    assert (item["status"], item["reason"]) == ("error", "it needs more memory")
    assert (item["pipeline_version"], item["serving_version"]) == (after, before)


async def test_one_of_two_replicas_that_does_not_start_stands_in_the_details(world: World) -> None:
    workspace = await world.workspace()
    two = {"engine": {"replicas": 2}}
    number, stream = await deployed(world, workspace, engine_config=two), stream_of(workspace)
    gone = ReplicaStopped(replica=uuid4(), reason="start_failed", detail="it needs more memory")
    await world.append(stream, ReplicaStarted(replica=uuid4(), generation=1), gone)
    await world.service.caught_up()
    shown = await status(world, number)
    assert (shown["status"], shown["details"]) == (
        "Running",
        ["1 of 2 replicas run: it needs more memory"],
    )


async def test_undeploying_waits_until_the_inference_service_has_seen_it(world: World) -> None:
    workspace = await world.workspace()
    number = await deployed(world, workspace)
    assert await world.post("pipelines/undeploy", {"deployment_id": number}) == {
        "id": number,
        "deployed": False,
    }
    last = await world.log.last(stream_of(workspace))
    assert last is not None
    assert world.service.inference.seen[-1] == last.seq
    assert world.service.inference.tokens == {INTERNAL}


async def test_what_is_deployed_is_listed(world: World) -> None:
    workspace = await world.workspace()
    number = await deployed(world, workspace)
    (one,) = (await world.post("deployments/list", {"workspace_id": workspace}))["deployments"]
    assert (one["id"], one["pipeline"], one["status"]) == (number, "p", "starting")
    assert one["models"] == ["m"]
    await world.post("pipelines/undeploy", {"deployment_id": number})
    assert await world.post("deployments/list", {"workspace_id": workspace}) == {"deployments": []}


async def test_the_url_of_a_pipeline_is_the_one_that_clients_put_together(world: World) -> None:
    workspace = await world.workspace()
    body = {"pipeline_name": "p", "workspace_id": workspace}
    await built(world, workspace)
    await refused(world, "admin/get_pipeline_external_url", body, 404, "pipeline_name")
    number = await deployed(world, workspace)
    url = f"{world.service.url}/v1/api/pipelines/infer/p-{number}/p"
    for _ in range(2):
        assert await world.post("admin/get_pipeline_external_url", body) == {"url": url}
        await world.post("pipelines/undeploy", {"deployment_id": number})
