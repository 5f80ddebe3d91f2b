"""Pipelines, versions and deployments as clients ask for them by GraphQL."""

from typing import Any
from uuid import uuid4

from libs.domain.events import PipelineVersionCreated
from libs.domain.ids import pipeline_stream, pipeline_version_stream
from libs.eventlog.envelope import Context
from libs.eventlog.log import Proposed
from tests.api.definitions import inference, model
from tests.api.test_deployments import deploy
from tests.api.test_pipelines import built
from tests.api.world import World

CONTEXT = Context(source="test", actor="test")
DEPLOYMENT = """query DeploymentById($id: bigint!) { deployment_by_pk(id: $id) {
    id deploy_id deployed engine_config
    deployment_model_configs { model_config { id } }
    deployment_pipeline_versions(order_by: {pipeline_version: {id: desc}}) {
        pipeline_version { id } }
    pipeline { pipeline_id } } }"""
MODELS = """query PipelineModels($id: bigint!) { pipeline_by_pk(id: $id) { deployment {
    deployment_model_configs_aggregate(distinct_on: deployment_id) { nodes {
        model_config { model { model { name } } } } } } } }"""
PIPELINE = """query PipelineById($id: bigint!) { pipeline_by_pk(id: $id) {
    id pipeline_id created_at updated_at visibility owner_id
    pipeline_versions(order_by: {id: desc}) { id pipeline_publishes { id } }
    pipeline_tags { tag { id tag } } workspace { id name } deployment { id deployed } } }"""
VERSION = """query PipelineVariantById($id: bigint!) { pipeline_version_by_pk(id: $id) {
    id version created_at updated_at created_on_version definition steps: definition(path: "steps")
    pipeline { id pipeline_id } pipeline_pk_id
    deployment_pipeline_versions { created_at updated_at deployment { id } }
    deployment_model_configs { model_config { id model { id model { id name } } } }
    pipeline_publishes { id } } }"""


async def query(world: World, text: str, **variables: Any) -> Any:
    body = {"query": text, "variables": variables}
    answer = await world.service.call("POST", "/v1/graphql", world.token, json=body)
    assert "errors" not in answer.body, answer.body["errors"]
    return answer.body["data"]


async def scene(world: World) -> tuple[int, Any, int]:
    """Workspace, version and number of the deployment of `p`, which has two models."""
    workspace = await world.workspace()
    used = [await model(world, workspace, name) for name in ("one", "two")]
    made = await built(world, workspace, definition=inference(*used))
    number = (await deploy(world, made, engine_config={"engine": {"replicas": 1}}))["id"]
    return workspace, made, number


async def test_a_pipeline_has_its_versions_newest_first(world: World) -> None:
    workspace, made, number = await scene(world)
    newer = await built(world, workspace)
    found = (await query(world, PIPELINE, id=made["pipeline_pk_id"]))["pipeline_by_pk"]
    numbers = [newer["pipeline_variant_pk_id"], made["pipeline_variant_pk_id"]]
    assert [one["id"] for one in found["pipeline_versions"]] == numbers
    assert (found["pipeline_id"], found["workspace"]["id"]) == ("p", workspace)
    assert found["deployment"] == {"id": number, "deployed": True}
    assert found["updated_at"] > found["created_at"]
    limited = "{ pipeline_by_pk(id: %d) { pipeline_versions(limit: 1) { id } } }"
    text = limited % made["pipeline_pk_id"]
    assert (await query(world, text))["pipeline_by_pk"]["pipeline_versions"] == [{"id": numbers[0]}]


async def test_a_version_says_whether_it_is_the_one_deployed(world: World) -> None:
    workspace, made, number = await scene(world)
    newer = await built(world, workspace)
    found = (await query(world, VERSION, id=made["pipeline_variant_pk_id"]))[
        "pipeline_version_by_pk"
    ]
    assert found["version"] == made["pipeline_variant_version"]
    assert found["definition"] == {"id": "p", "steps": found["steps"]}
    assert found["pipeline"] == {"id": made["pipeline_pk_id"], "pipeline_id": "p"}
    assert found["pipeline_pk_id"] == made["pipeline_pk_id"]
    assert [one["deployment"]["id"] for one in found["deployment_pipeline_versions"]] == [number]
    models = [one["model_config"]["model"] for one in found["deployment_model_configs"]]
    assert [one["model"]["name"] for one in models] == ["one", "two"]
    other = (await query(world, VERSION, id=newer["pipeline_variant_pk_id"]))[
        "pipeline_version_by_pk"
    ]
    assert (other["deployment_pipeline_versions"], other["deployment_model_configs"]) == ([], [])


async def test_pipelines_are_found_by_name_and_workspace(world: World) -> None:
    first, _, _ = await scene(world)
    second, _, _ = await scene(world)
    text = """query PipelineByName($name: String!, $workspace: bigint!) {
        pipeline(where: {_and: [{pipeline_id: {_eq: $name}},
            {workspace: {id: {_eq: $workspace}}}]}, order_by: {created_at: desc}) {
            pipeline_id workspace { id name } } }"""
    for workspace in (first, second):
        (found,) = (await query(world, text, name="p", workspace=workspace))["pipeline"]
        assert (found["pipeline_id"], found["workspace"]["id"]) == ("p", workspace)
    assert (await query(world, text, name="q", workspace=first))["pipeline"] == []
    text = "query ($id: bigint!) { workspace_by_pk(id: $id) { pipelines { id pipeline_id } } }"
    (found,) = (await query(world, text, id=first))["workspace_by_pk"]["pipelines"]
    assert found["pipeline_id"] == "p"


SEARCH = """query GetPipelines($term: String!, $workspace: bigint!, $deployed: Boolean,
        $start: timestamptz, $end: timestamptz) {
    search_pipelines(args: {search: $term}, distinct_on: id, order_by: {id: desc}, where: {_and: [
        {pipeline: {_and: [{workspace: {id: {_eq: $workspace}}},
            {deployment: {deployed: {_eq: $deployed}}}]}},
        {created_at: {_gte: $start, _lte: $end}}]}) {
        id created_at pipeline_pk_id updated_at version
        pipeline { id pipeline_id pipeline_tags { id tag { id tag } } workspace { id name } } } }"""


async def test_versions_are_searched_by_names_models_tags_times_and_deployment(
    world: World,
) -> None:
    workspace, made, number = await scene(world)
    never = await built(world, workspace, "never")
    new = await query(
        world, 'mutation { insert_tag(objects: {tag: "winter"}) { returning { id } } }'
    )
    tag = new["insert_tag"]["returning"][0]["id"]
    text = """mutation ($pipeline: bigint!, $tag: bigint!) {
        insert_pipeline_tag(objects: {pipeline_pk_id: $pipeline, tag_pk_id: $tag}) {
            returning { pipeline_pk_id tag_pk_id } } }"""
    tie = {"pipeline": never["pipeline_pk_id"], "tag": tag}
    assert (await query(world, text, **tie))["insert_pipeline_tag"]["returning"] == [
        {"pipeline_pk_id": never["pipeline_pk_id"], "tag_pk_id": tag}
    ]
    mine, other = made["pipeline_variant_pk_id"], never["pipeline_variant_pk_id"]
    start, end = "2020-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"
    times = {"start": start, "end": end}

    async def found(term: str = "", deployed: bool = True, **more: str) -> list[int]:
        given = {"term": term, "workspace": workspace, "deployed": deployed, **times, **more}
        return [one["id"] for one in (await query(world, SEARCH, **given))["search_pipelines"]]

    assert await found() == [mine]
    assert await found(deployed=False) == [other]
    assert await found("NEVER", deployed=False) == [other]
    assert await found("wint", deployed=False) == [other]
    assert await found("two") == [mine]
    assert await found("nowhere") == []
    assert await found(end=start) == []
    await world.post("pipelines/undeploy", {"deployment_id": number})
    assert await found(deployed=False) == [other, mine]
    given = {"term": "winter", "workspace": workspace, "deployed": False, **times}
    (one,) = (await query(world, SEARCH, **given))["search_pipelines"]
    assert one["pipeline_pk_id"] == one["pipeline"]["id"] == never["pipeline_pk_id"]
    assert [tie["tag"]["tag"] for tie in one["pipeline"]["pipeline_tags"]] == ["winter"]
    assert one["pipeline"]["workspace"]["id"] == workspace
    text = """mutation ($pipeline: bigint!, $tag: bigint!) {
        delete_pipeline_tag(where: {_and: [{pipeline_pk_id: {_eq: $pipeline}},
            {tag_pk_id: {_eq: $tag}}]}) { returning { pipeline_pk_id } } }"""
    await query(world, text, **tie)
    assert await found("winter", deployed=False) == []


async def test_plain_documents_are_answered_as_graphql_core_answers_them(
    world: World, outsider: World
) -> None:
    """What has a directive is not plain."""
    _, made, number = await scene(world)
    nothing = "query ($id: bigint!) { deployment_by_pk(id: $id) { id } }"
    documents = {
        DEPLOYMENT: number,
        PIPELINE: made["pipeline_pk_id"],
        VERSION: made["pipeline_variant_pk_id"],
        MODELS: made["pipeline_pk_id"],
        nothing: 10**9,
    }
    for text, id in documents.items():
        marked = text.replace("(id: $id)", "(id: $id) @include(if: true)", 1)
        assert marked != text
        for caller in (world, outsider):
            plain, other = [
                await caller.service.call(
                    "POST",
                    "/v1/graphql",
                    caller.token,
                    json={"query": document, "variables": {"id": id}},
                )
                for document in (text, marked)
            ]
            assert plain.body == other.body


async def test_what_goes_wrong_is_told_with_its_place(world: World) -> None:
    for mark in ("", "@include(if: true)"):
        text = f'mutation {{ new: insert_tag(objects: {{tag: ""}}) {mark} {{ affected_rows }} }}'
        answer = await world.service.call("POST", "/v1/graphql", world.token, json={"query": text})
        (problem,) = answer.body["errors"]
        assert answer.body["data"] == {"new": None}
        assert problem["path"] == ["new"]
        assert problem["message"].startswith("tag: ")
        assert problem["extensions"] == {"reason": "invalid"}


async def test_a_pipeline_of_many_versions_is_still_answered(world: World) -> None:
    workspace = await world.workspace()
    made = await built(world, workspace)
    pipeline = pipeline_stream(workspace, "p").uuid
    event = PipelineVersionCreated(pipeline=pipeline, name="p", definition={"id": "p", "steps": []})
    for _ in range(1005):
        stream = pipeline_version_stream(workspace, uuid4())
        last = await world.log.append(Proposed(stream, 0, event), CONTEXT)
    await world.service.caught_up()
    found = (await query(world, PIPELINE, id=made["pipeline_pk_id"]))["pipeline_by_pk"]
    assert len(found["pipeline_versions"]) == 1000
    assert found["pipeline_versions"][0]["id"] == last
    text = """query ($id: bigint!) { search_pipelines(args: {search: ""}, where: {pipeline:
        {workspace: {id: {_eq: $id}}}}) { id pipeline { id pipeline_tags { id } workspace { id } }
        } }"""
    assert len((await query(world, text, id=workspace))["search_pipelines"]) == 1000


async def test_a_tag_has_its_pipelines(world: World) -> None:
    _, made, _ = await scene(world)
    new = await query(world, 'mutation { insert_tag(objects: {tag: "t"}) { returning { id } } }')
    tag = new["insert_tag"]["returning"][0]["id"]
    text = """mutation ($pipeline: bigint!, $tag: bigint!) { insert_pipeline_tag(
        objects: {pipeline_pk_id: $pipeline, tag_pk_id: $tag}) { affected_rows } }"""
    for _ in range(2):
        await query(world, text, pipeline=made["pipeline_pk_id"], tag=tag)
    text = """query ($id: bigint!) { tag_by_pk(id: $id) { pipeline_tags { pipeline {
        id pipeline_id pipeline_versions { id version } } } } }"""
    (tie,) = (await query(world, text, id=tag))["tag_by_pk"]["pipeline_tags"]
    assert tie["pipeline"]["id"] == made["pipeline_pk_id"]
    assert len(tie["pipeline"]["pipeline_versions"]) == 1


async def test_what_is_of_another_workspace_is_null(world: World, outsider: World) -> None:
    _, made, number = await scene(world)
    ids = {
        "pipeline_by_pk": made["pipeline_pk_id"],
        "pipeline_version_by_pk": made["pipeline_variant_pk_id"],
        "deployment_by_pk": number,
    }
    for field, id in ids.items():
        assert await query(outsider, f"{{ {field}(id: {id}) {{ id }} }}") == {field: None}
        assert await query(world, f"{{ {field}(id: {id}) {{ id }} }}") == {field: {"id": id}}
    for text in ("pipeline", "deployment", 'search_pipelines(args: {search: ""})'):
        assert list((await query(outsider, f"{{ {text} {{ id }} }}")).values()) == [[]]


async def test_a_tag_that_is_not_on_a_pipeline_is_not_taken_off(world: World) -> None:
    _, made, _ = await scene(world)
    new = await query(world, 'mutation { insert_tag(objects: {tag: "t"}) { returning { id } } }')
    pair = (made["pipeline_pk_id"], new["insert_tag"]["returning"][0]["id"])
    put = """mutation { insert_pipeline_tag(objects: {pipeline_pk_id: %d, tag_pk_id: %d})
        { affected_rows } }"""
    take = """mutation { delete_pipeline_tag(where: {pipeline_pk_id: {_eq: %d},
        tag_pk_id: {_eq: %d}}) { affected_rows returning { tag_pk_id } } }"""
    await query(world, put % pair)
    taken = [(await query(world, take % pair))["delete_pipeline_tag"] for _ in range(2)]
    assert [one["affected_rows"] for one in taken] == [1, 0]
    assert [one["returning"] for one in taken] == [[{"tag_pk_id": pair[1]}], []]
