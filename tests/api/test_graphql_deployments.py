"""Deployments, and what they serve, as clients ask for them by GraphQL."""

from uuid import uuid4

from libs.domain.events import DeploymentFailed, ReplicaStarted
from tests.api.definitions import inference, model
from tests.api.test_deployments import deploy, stream_of
from tests.api.test_graphql_pipelines import DEPLOYMENT, MODELS, query, scene
from tests.api.test_pipelines import built
from tests.api.world import World


async def test_a_deployment_has_what_clients_ask_before_every_inference(world: World) -> None:
    _, made, number = await scene(world)
    found = (await query(world, DEPLOYMENT, id=number))["deployment_by_pk"]
    configs = [one["model_config"]["id"] for one in found.pop("deployment_model_configs")]
    assert len(set(configs)) == 2
    version = {"pipeline_version": {"id": made["pipeline_variant_pk_id"]}}
    assert found == {
        "id": number,
        "deploy_id": "p",
        "deployed": True,
        "engine_config": {"engine": {"replicas": 1}},
        "deployment_pipeline_versions": [version],
        "pipeline": {"pipeline_id": "p"},
    }
    await world.post("pipelines/undeploy", {"deployment_id": number})
    again = (await query(world, DEPLOYMENT, id=number))["deployment_by_pk"]
    assert (again["id"], again["deployed"]) == (number, False)


async def test_all_models_of_a_deployment_are_named(world: World) -> None:
    _, made, _ = await scene(world)
    found = (await query(world, MODELS, id=made["pipeline_pk_id"]))["pipeline_by_pk"]
    nodes = found["deployment"]["deployment_model_configs_aggregate"]["nodes"]
    assert [one["model_config"]["model"]["model"]["name"] for one in nodes] == ["one", "two"]


async def test_no_licence_limits_a_deployment(world: World) -> None:
    _, _, number = await scene(world)
    text = """query QueryLimitStatus($id: bigint!) {
        deployment(where: {id: {_eq: $id}}) { id deployed limit_status } }"""
    expected = [{"id": number, "deployed": True, "limit_status": None}]
    assert (await query(world, text, id=number))["deployment"] == expected
    found = (await query(world, "{ deployment { id pipeline { pipeline_id } } }"))["deployment"]
    assert {"id": number, "pipeline": {"pipeline_id": "p"}} in found


async def test_a_version_is_read_through_its_deployment(world: World) -> None:
    workspace, made, number = await scene(world)
    await world.append(
        stream_of(workspace), ReplicaStarted(replica=stream_of(workspace).uuid, generation=1)
    )
    await world.service.caught_up()
    text = """query ($id: bigint!) { deployment_by_pk(id: $id) { deployment_pipeline_versions {
        pipeline_version { version created_at definition pipeline { id } } } } }"""
    (found,) = (await query(world, text, id=number))["deployment_by_pk"][
        "deployment_pipeline_versions"
    ]
    version = found["pipeline_version"]
    assert version["version"] == made["pipeline_variant_version"]
    assert version["definition"]["id"] == "p"
    assert version["created_at"]
    assert version["pipeline"] == {"id": made["pipeline_pk_id"]}


async def test_the_version_of_a_deployment_is_the_one_that_answers(world: World) -> None:
    workspace, made, number = await scene(world)
    stream = stream_of(workspace)
    await world.append(stream, ReplicaStarted(replica=uuid4(), generation=1))
    new = inference(await model(world, workspace, "new"))
    await deploy(world, await built(world, workspace, definition=new))
    await world.append(stream, DeploymentFailed(reason="it needs more memory"))
    await world.service.caught_up()
    found = (await query(world, DEPLOYMENT, id=number))["deployment_by_pk"]
    assert found["deployed"]
    assert found["deployment_pipeline_versions"] == [
        {"pipeline_version": {"id": made["pipeline_variant_pk_id"]}}
    ]


async def test_a_deployed_version_that_was_deleted_is_still_the_one_that_is_served(
    world: World,
) -> None:
    _, made, number = await scene(world)
    version = {"pipeline_versions": [made["pipeline_variant_version"]]}
    await world.post("pipelines/delete_pipeline_versions", version)
    text = """query ($id: bigint!) { deployment_by_pk(id: $id) { deployment_pipeline_versions {
        pipeline_version { id version created_at updated_at definition
            steps: definition(path: "steps") } } } }"""
    (found,) = (await query(world, text, id=number))["deployment_by_pk"][
        "deployment_pipeline_versions"
    ]
    served = found["pipeline_version"]
    assert served["id"] == made["pipeline_variant_pk_id"]
    assert served["definition"] == {"id": "p", "steps": served["steps"]}
    assert served["created_at"] == served["updated_at"]
    text = "{ pipeline_version_by_pk(id: %d) { id } }"
    assert await query(world, text % served["id"]) == {"pipeline_version_by_pk": None}
