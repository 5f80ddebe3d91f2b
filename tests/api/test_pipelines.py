"""Pipelines and their versions over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.api.definitions import inference, model
from tests.api.service import Answer
from tests.api.world import World


async def built(world: World, workspace: int, name: str = "p", **more: Any) -> Any:
    body = {"pipeline_id": name, "workspace_id": workspace, "definition": {}, **more}
    return await world.post("pipelines/create", body)


async def refused(world: World, path: str, body: Any, status: int, field: str) -> Answer:
    answer = await world.service.post(path, body, world.token)
    assert (answer.status, answer.body["msg"].partition(":")[0]) == (status, field), answer.body
    return answer


async def named(world: World, workspace: int, name: str = "p") -> Any:
    body = {"pipeline_name": name, "workspace_id": workspace}
    return await world.post("pipelines/get_pipeline_by_name", body)


async def versions(world: World, workspace: int, name: str = "p") -> list[str]:
    body = {"pipeline_id": name, "workspace_id": workspace}
    found = await world.post("pipelines/list_pipeline_versions", body)
    return [item["pipeline_version"]["version"] for item in found["pipeline_versions"]]


async def test_the_same_name_is_the_same_pipeline_with_one_more_version(world: World) -> None:
    workspace = await world.workspace()
    first, second = await built(world, workspace), await built(world, workspace)
    assert first["pipeline_pk_id"] == second["pipeline_pk_id"]
    assert first["pipeline_variant_pk_id"] < second["pipeline_variant_pk_id"]
    expected = [second["pipeline_variant_version"], first["pipeline_variant_version"]]
    assert await versions(world, workspace) == expected


async def test_one_name_in_two_workspaces_is_two_pipelines(world: World) -> None:
    one, other = await world.workspace(), await world.workspace()
    first, second = await built(world, one), await built(world, other)
    assert first["pipeline_pk_id"] != second["pipeline_pk_id"]
    found = await named(world, other)
    assert found["workspace"]["id"] == other
    assert found["plateau_topic"] == f"workspace-{other}-pipeline-p-inference"


async def test_many_at_once_make_one_pipeline_with_a_version_each(world: World) -> None:
    workspace = await world.workspace()
    made = await asyncio.gather(*(built(world, workspace) for _ in range(8)))
    assert len({each["pipeline_pk_id"] for each in made}) == 1
    assert len({each["pipeline_variant_pk_id"] for each in made}) == 8
    assert sorted(await versions(world, workspace)) == sorted(
        each["pipeline_variant_version"] for each in made
    )


async def test_a_version_has_the_steps_that_it_was_made_with(world: World) -> None:
    workspace = await world.workspace()
    one = inference(await model(world, workspace))
    steps = [*one["steps"], {"AuditResults": {"from": 1, "to": None}}]
    made = await built(world, workspace, definition={"id": "other", "steps": steps})
    version = {"version": made["pipeline_variant_version"]}
    assert await world.post("pipelines/get_version", version) == {
        "pipeline_id": "p",
        "version": made["pipeline_variant_version"],
        "definition": {"id": "p", "steps": steps},
    }
    empty = await built(world, workspace, definition=None)
    found = await world.post(
        "pipelines/get_version", {"version": empty["pipeline_variant_version"]}
    )
    assert found["definition"] == {"id": "p", "steps": []}


async def test_a_pipeline_was_updated_when_its_newest_version_was_made(world: World) -> None:
    workspace = await world.workspace()
    await built(world, workspace)
    before = (await named(world, workspace))["pipeline"]
    await built(world, workspace)
    after = (await named(world, workspace))["pipeline"]
    assert after["created_at"] == before["created_at"] <= before["updated_at"]
    assert after["updated_at"] > before["updated_at"]


async def test_a_command_sent_again_under_its_key_makes_one_version(world: World) -> None:
    workspace = await world.workspace()
    body = {"pipeline_id": "p", "workspace_id": workspace, "definition": {}}
    headers = {"Idempotency-Key": f"k-{uuid4()}"}
    call = ("POST", "/v1/api/pipelines/create", world.token)
    first = await world.service.call(*call, json=body, headers=headers)
    again = await world.service.call(*call, json=body, headers=headers)
    assert (again.status, again.body) == (200, first.body)
    other = await world.service.call(*call, json=body | {"pipeline_id": "q"}, headers=headers)
    assert other.status == 409
    assert len(await versions(world, workspace)) == 1


async def test_lists_have_what_you_may_see_newest_first(world: World, member: World) -> None:
    one, other = await member.workspace(), await world.workspace()
    for name in ("a", "b"):
        await built(member, one, name)
    await built(world, other, "c")
    seen = await member.post("pipelines/list_pipelines", {"workspace_id": None})
    assert other not in {item["workspace"]["id"] for item in seen["pipelines"]}
    newest = [item for item in seen["pipelines"] if item["workspace"]["id"] == one]
    assert [item["pipeline"]["name"] for item in newest] == ["b", "a"]
    body = {"workspace_id": None, "workspace_name": newest[0]["workspace"]["name"]}
    assert (await member.post("pipelines/list_pipelines", body))["pipelines"] == newest
    body["workspace_name"] = "elsewhere"
    assert (await member.post("pipelines/list_pipelines", body))["pipelines"] == []
    await refused(member, "pipelines/list_pipelines", {"workspace_id": other}, 403, "workspace_id")


async def test_names_and_definitions_that_can_not_be_are_refused(world: World) -> None:
    workspace = await world.workspace()
    body = {"pipeline_id": "p", "workspace_id": workspace}
    for name in ("", "a/b", "-a", "x" * 129):
        await refused(world, "pipelines/create", body | {"pipeline_id": name}, 400, "pipeline_id")
    for steps, field in (({}, "definition.steps"), ([{}], "definition.steps[0]")):
        order = body | {"definition": {"steps": steps}}
        await refused(world, "pipelines/create", order, 400, field)
    await refused(world, "pipelines/create", body | {"workspace_id": 10**9}, 404, "workspace_id")
    assert (await world.post("pipelines/list_pipelines", body))["pipelines"] == []


async def test_what_is_not_there_is_not_found_by_its_field(world: World) -> None:
    workspace = await world.workspace()
    body = {"pipeline_id": "p", "pipeline_name": "p", "workspace_id": workspace}
    await refused(world, "pipelines/get_pipeline_by_name", body, 404, "pipeline_name")
    await refused(world, "pipelines/list_pipeline_versions", body, 404, "pipeline_id")
    await refused(world, "pipelines/delete_pipeline", body, 404, "pipeline_id")
    await refused(world, "pipelines/get_version", {"version": str(uuid4())}, 404, "version")


async def test_a_deleted_pipeline_is_gone_with_its_versions_and_its_name_free(
    world: World,
) -> None:
    workspace = await world.workspace()
    before = await built(world, workspace)
    body = {"pipeline_id": "p", "workspace_id": workspace}
    assert await world.post("pipelines/delete_pipeline", body) == body
    version = {"version": before["pipeline_variant_version"]}
    await refused(world, "pipelines/get_version", version, 404, "version")
    assert (await world.post("pipelines/list_pipelines", body))["pipelines"] == []
    after = await built(world, workspace)
    assert after["pipeline_pk_id"] != before["pipeline_pk_id"]
    assert await versions(world, workspace) == [after["pipeline_variant_version"]]
    await refused(world, "pipelines/get_version", version, 404, "version")


async def test_deleted_versions_are_gone_and_the_others_stay(world: World) -> None:
    workspace = await world.workspace()
    gone, stays = await built(world, workspace), await built(world, workspace)
    body = {"pipeline_versions": [gone["pipeline_variant_version"]]}
    assert await world.post("pipelines/delete_pipeline_versions", body) == body
    assert await versions(world, workspace) == [stays["pipeline_variant_version"]]
    both = {"pipeline_versions": [stays["pipeline_variant_version"], str(uuid4())]}
    await refused(world, "pipelines/delete_pipeline_versions", both, 404, "pipeline_versions")
    assert await versions(world, workspace) == [stays["pipeline_variant_version"]]


async def test_nobody_reaches_pipelines_of_another_workspace(world: World, outsider: World) -> None:
    workspace = await world.workspace()
    made = await built(world, workspace)
    body = {"pipeline_id": "p", "pipeline_name": "p", "workspace_id": workspace, "definition": {}}
    for path in ("create", "get_pipeline_by_name", "list_pipeline_versions", "delete_pipeline"):
        answer = await outsider.service.post(f"pipelines/{path}", body, outsider.token)
        assert answer.status == 403, path
    version = {"version": made["pipeline_variant_version"]}
    await refused(outsider, "pipelines/get_version", version, 403, "version")
    several = {"pipeline_versions": [made["pipeline_variant_version"]]}
    await refused(outsider, "pipelines/delete_pipeline_versions", several, 403, "pipeline_versions")


async def test_a_version_without_steps_is_made_only_where_none_are_given(world: World) -> None:
    """The published SDK gives none when it builds a pipeline, and all of them when it deploys."""
    workspace = await world.workspace()
    await built(world, workspace, definition={})
    body = {"pipeline_id": "p", "workspace_id": workspace, "definition": {"steps": []}}
    answer = await refused(world, "pipelines/create", body, 400, "definition.steps")
    assert answer.body["msg"].endswith("add a model step")
    assert len(await versions(world, workspace)) == 1
