"""Models and tags by GraphQL: what published clients ask, and to whom it is answered."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.domain.events import ModelDeleted, ModelVersionDeleted, ModelVersionFailed
from libs.domain.ids import model_stream, model_version_stream
from tests.api.callers import MEMBER
from tests.api.served_world import SHA, Version, model_version
from tests.api.test_graphql import data, refusal
from tests.api.world import World

BY_ID = """query ModelById { model_by_pk(id: %d) {
    id created_on_version model_id model_version models_pk_id sha status error_summary file_name
    image_path updated_at visibility model_tags { tag { id tag } }
    arch: conversion(path: "arch") accel: conversion(path: "accel")
    model { id workspace { id name } } } }"""
BY_NAME = """query ModelByName($model_id: String!, $model_version: String!) {
  model(where: {_and: [{model_id: {_eq: $model_id}}, {model_version: {_eq: $model_version}}]}) {
    id model_id model_version } }"""
CONFIG = """query ModelConfigById($model_config_id: bigint!) {
  model_config_by_pk(id: $model_config_id) { id filter_threshold model { id } runtime
    tensor_fields dynamic_batching_config continuous_batching_config openai input_schema } }"""
WORKSPACE = """query WorkspaceById($id: bigint!) { workspace_by_pk(id: $id) {
    models(order_by: {updated_at: desc}) { id name models { id } workspace { id } } } }"""
SEARCH = """query GetModels($search_term: String!) {
  search_models(args: {search: $search_term}%s, order_by: {created_at: desc}) { id } }"""
CREATE_TAG = """mutation CreateTag($tag_text: String!) {
  insert_tag(objects: {tag: $tag_text}) { returning { id tag } } }"""
ADD_TAG = """mutation AddTagToModel($model_id: bigint!, $tag_id: bigint!) {
  insert_model_tag(objects: {model_id: $model_id, tag_id: $tag_id}) {
    returning { model_id tag_id } } }"""
REMOVE_TAG = """mutation RemoveTagFromModel($model_id: bigint!, $tag_id: bigint!) {
  delete_model_tag(where: {_and: {model_id: {_eq: $model_id}, tag_id: {_eq: $tag_id}}}) {
    affected_rows returning { model_id tag_id } } }"""
TAG = """query TagById { tag_by_pk(id: %d) { id tag
    model_tags { model { id model_id models_pk_id model_version } } } }"""


async def ids(who: World, query: str, **variables: Any) -> list[int]:
    (found,) = (await data(who, query, **variables)).values()
    return [row["id"] for row in found]


async def tag(who: World, name: str) -> int:
    made = await data(who, CREATE_TAG, tag_text=name)
    (one,) = made["insert_tag"]["returning"]
    assert one["tag"] == name
    return int(one["id"])


@pytest.fixture
async def rf(world: World) -> Version:
    return await model_version(world, await world.workspace(), tensor_fields=["tensor"])


async def test_a_version_has_its_name_file_and_model(world: World, rf: Version) -> None:
    found = (await data(world, BY_ID % rf.number))["model_by_pk"]
    assert (found["model_id"], found["model_version"]) == ("rf", str(rf.id))
    assert (found["models_pk_id"], found["model"]["id"]) == (rf.model, rf.model)
    assert (found["sha"], found["file_name"], found["status"]) == (SHA, "rf.onnx", "ready")
    assert (found["arch"], found["accel"], found["model_tags"]) == ("x86", "none", [])
    assert found["model"]["workspace"]["id"] == rf.workspace


@pytest.mark.parametrize(
    ("outcome", "status", "why"),
    [
        (None, "pending_load_native", None),
        (ModelVersionFailed(reason="it is no ONNX file"), "error", "it is no ONNX file"),
    ],
)
async def test_a_version_that_is_not_ready_says_so(
    world: World, outcome: ModelVersionFailed | None, status: str, why: str | None
) -> None:
    version = await model_version(world, await world.workspace(), outcome=outcome)
    found = (await data(world, BY_ID % version.number))["model_by_pk"]
    assert (found["status"], found["error_summary"]) == (status, why)


async def test_a_version_is_found_by_name_and_version(world: World, rf: Version) -> None:
    assert await ids(world, BY_NAME, model_id="rf", model_version=str(rf.id)) == [rf.number]
    assert await ids(world, BY_NAME, model_id="xgb", model_version=str(rf.id)) == []
    assert await ids(world, BY_NAME, model_id="rf", model_version=str(uuid4())) == []
    assert await ids(world, BY_NAME, model_id="rf", model_version="newest") == []


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ('{model_id: {_eq: "rf"}, model: {workspace_id: {_eq: %(workspace)d}}}', True),
        ('{model: {workspace: {id: {_eq: %(workspace)d}}}, model_id: {_eq: "rf"}}', True),
        ('{model: {workspace: {name: {_eq: "another"}}}, model_id: {_eq: "rf"}}', False),
        ("{id: {_eq: %(number)d}}", True),
        ('{id: {_eq: %(number)d}, created_at: {_gte: "2001-01-01T00:00:00Z"}}', True),
        ('{id: {_eq: %(number)d}, created_at: {_lte: "2001-01-01T00:00:00Z"}}', False),
        ('{model: {id: {_in: [%(model)d]}, name: {_ilike: "R%%"}}}', True),
        ('{id: {_eq: %(number)d}, owner_id: {_eq: "nobody"}}', False),
    ],
)
async def test_filters_are_applied(world: World, rf: Version, where: str, matches: bool) -> None:
    given = where % vars(rf)
    assert (rf.number in await ids(world, f"{{ model(where: {given}) {{ id }} }}")) is matches


async def test_a_config_has_its_columns_and_its_version(world: World, rf: Version) -> None:
    found = (await data(world, CONFIG, model_config_id=rf.config))["model_config_by_pk"]
    assert (found["id"], found["model"]["id"]) == (rf.config, rf.number)
    assert (found["tensor_fields"], found["runtime"]) == (["tensor"], "onnx")
    first = (await data(world, CONFIG, model_config_id=rf.number))["model_config_by_pk"]
    assert (first["id"], first["tensor_fields"]) == (rf.number, None)


async def test_a_workspace_has_its_models_with_their_versions(world: World, rf: Version) -> None:
    newer = await model_version(world, rf.workspace)
    other = await model_version(world, rf.workspace, name="xgb")
    found = (await data(world, WORKSPACE, id=rf.workspace))["workspace_by_pk"]["models"]
    shown = [(one["id"], one["name"], [each["id"] for each in one["models"]]) for one in found]
    assert shown == [
        (other.model, "xgb", [other.number]),
        (rf.model, "rf", [newer.number, rf.number]),
    ]
    assert {one["workspace"]["id"] for one in found} == {rf.workspace}


async def test_a_search_goes_over_names_files_shas_versions_and_tags(world: World) -> None:
    workspace, word = await world.workspace(), uuid4().hex
    rf = await model_version(world, workspace, name=f"a-{word}", file_name="Forest.onnx")
    xgb = await model_version(world, workspace, name="b", sha=word * 2, file_name=f"x{word}")
    label = uuid4().hex
    await data(world, ADD_TAG, model_id=xgb.number, tag_id=await tag(world, f"Tag {label}"))
    assert await ids(world, SEARCH % "", search_term=word.upper()) == [xgb.number, rf.number]
    assert await ids(world, SEARCH % "", search_term=str(rf.id)) == [rf.number]
    assert await ids(world, SEARCH % "", search_term=f"tag {label}") == [xgb.number]
    of_it = ", where: {model: {workspace_id: {_eq: %d}}}"
    within = SEARCH % of_it % workspace
    assert await ids(world, within, search_term="") == [xgb.number, rf.number]
    assert await ids(world, within, search_term="%") == []
    old = ', where: {model: {workspace_id: {_eq: %d}}, created_at: {_lt: "2001-01-01T00:00:00Z"}}'
    assert await ids(world, SEARCH % old % workspace, search_term="") == []


async def test_a_tag_is_put_on_and_taken_off(world: World, rf: Version) -> None:
    label = await tag(world, "in production")
    pair = {"model_id": rf.number, "tag_id": label}
    for _ in range(2):
        put = await data(world, ADD_TAG, **pair)
        assert put["insert_model_tag"]["returning"] == [pair]
    version = (await data(world, BY_ID % rf.number))["model_by_pk"]
    assert version["model_tags"] == [{"tag": {"id": label, "tag": "in production"}}]
    (on,) = (await data(world, TAG % label))["tag_by_pk"]["model_tags"]
    assert (on["model"]["id"], on["model"]["models_pk_id"]) == (rf.number, rf.model)
    assert label in await ids(world, "{ tag(order_by: {id: desc}) { id tag } }")
    for affected in (1, 0):
        removed = (await data(world, REMOVE_TAG, **pair))["delete_model_tag"]
        assert removed == {"affected_rows": affected, "returning": [pair] * affected}
    assert (await data(world, TAG % label))["tag_by_pk"]["model_tags"] == []


async def test_a_tag_that_can_not_be_is_refused(world: World, rf: Version) -> None:
    assert "tag: give 1 to 128" in await refusal(world, CREATE_TAG, tag_text=" ")
    assert "no tag 1" in await refusal(world, ADD_TAG, model_id=rf.number, tag_id=10**12)
    wide = "mutation { delete_model_tag(where: {model_id: {_gt: 0}}) { affected_rows } }"
    assert "model_id: say which" in await refusal(world, wide)


async def test_i8_outsiders_see_nothing_of_it(world: World, outsider: World, rf: Version) -> None:
    label = await tag(world, "secret")
    await data(world, ADD_TAG, model_id=rf.number, tag_id=label)
    assert (await data(outsider, BY_ID % rf.number))["model_by_pk"] is None
    assert (await data(outsider, TAG % label))["tag_by_pk"] is None
    assert (await data(outsider, CONFIG, model_config_id=rf.config))["model_config_by_pk"] is None
    assert await ids(outsider, BY_NAME, model_id="rf", model_version=str(rf.id)) == []
    assert rf.number not in await ids(outsider, SEARCH % "", search_term="rf")
    assert label not in await ids(outsider, "{ tag { id } }")
    theirs = await tag(outsider, "mine")
    assert "no member" in await refusal(outsider, ADD_TAG, model_id=rf.number, tag_id=theirs)


async def test_members_see_the_tags_of_their_workspaces(
    world: World, member: World, people: dict[str, UUID], rf: Version
) -> None:
    label = await tag(world, "shared")
    await world.add_member(rf.workspace, people[MEMBER])
    assert (await data(member, TAG % label))["tag_by_pk"] is None
    await data(world, ADD_TAG, model_id=rf.number, tag_id=label)
    assert (await data(member, TAG % label))["tag_by_pk"]["tag"] == "shared"
    assert label in await ids(member, "{ tag { id } }")


async def test_what_is_deleted_is_gone_also_when_its_name_comes_again(
    world: World, rf: Version
) -> None:
    other = await model_version(world, rf.workspace)
    await world.append(model_version_stream(rf.workspace, other.id), ModelVersionDeleted())
    await world.service.caught_up()
    assert (await data(world, BY_ID % other.number))["model_by_pk"] is None
    await world.append(model_stream(rf.workspace, "rf"), ModelDeleted())
    await world.service.caught_up()
    gone = "{ model_by_pk(id: %d) { id } model_config_by_pk(id: %d) { id } }"
    assert await data(world, gone % (rf.number, rf.config)) == {
        "model_by_pk": None,
        "model_config_by_pk": None,
    }


async def test_a_document_that_asks_for_too_many_things_is_refused(world: World) -> None:
    workspace = await world.workspace()
    for _ in range(6):
        await model_version(world, workspace, name=f"m-{uuid4()}")
    deep = "{ models { workspace " * 8 + "{ id }" + " } }" * 8
    told = await refusal(world, f"{{ workspace_by_pk(id: {workspace}) {deep} }}")
    assert "more than 30000 things" in told


async def test_a_model_was_updated_when_its_newest_version_was_uploaded(
    world: World, rf: Version
) -> None:
    older = await model_version(world, rf.workspace, "older")
    newest = await model_version(world, rf.workspace)
    text = """query ($id: bigint!) { workspace_by_pk(id: $id) {
        models(order_by: {updated_at: desc}) { name created_at updated_at models { created_at } }
        } }"""
    found = (await data(world, text, id=rf.workspace))["workspace_by_pk"]["models"]
    assert [one["name"] for one in found] == ["rf", "older"]
    for one in found:
        assert one["created_at"] < one["updated_at"] == one["models"][0]["created_at"]
    assert older.number < newest.number
    one = f"{{ model_by_pk(id: {newest.number}) {{ model {{ updated_at }} }} }}"
    assert (await data(world, one))["model_by_pk"]["model"]["updated_at"] == found[0]["updated_at"]
