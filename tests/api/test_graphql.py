"""GraphQL: what published clients ask, whose it is, and documents that are too much or none."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from graphql import build_client_schema, get_introspection_query

from libs.eventlog.log import EventLog
from tests.api.callers import MEMBER, OUTSIDER
from tests.api.service import Service
from tests.api.world import World, new_user

DEFAULT = """query UserDefaultWorkspace($user_id: String = "") {
  user_default_workspace(where: {user_id: {_eq: $user_id}}) {
    workspace { archived created_at created_by name id users { user_id } pipelines { id }
      models { models { id } } } } }"""
CREATE_DEFAULT = """mutation CreateDefaultUserWorkspace(
    $user_id: String!, $workspace_name: String!, $user_type: String) {
  insert_workspace_one(
    object: { name: $workspace_name, owner_id: $user_id, archived: false,
      users: { data: { user_id: $user_id, user_type: $user_type } },
      user_default_workspaces: { data: { user_id: $user_id } } },
    on_conflict: { constraint: workspace_name_key, update_columns: [] }) { id } }"""
BY_ID = """query WorkspaceById($id: bigint!) { workspace_by_pk(id: $id) {
    archived created_at created_by id name users { user_id user_type }
    models(order_by: {updated_at: desc}) { id models { id } } pipelines { id } } }"""
ORCHESTRATION = """query GetOrchestration($id: uuid!) { orchestration_by_pk(id: $id) {
    id name file_name owner_id sha status task_id workspace_id created_at updated_at
    image_path created_on_version file_size created_by } }"""
REMOVE = """mutation DeleteWorkspaceUser($user_id: String!, $workspace_id: bigint!) {
  delete_workspace_users(
    where: {user_id: {_eq: $user_id}, _and: {workspace_id: {_eq: $workspace_id}}}) {
    affected_rows returning { user_id } } }"""


async def asked(who: World, query: str, **variables: Any) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    answer = await who.service.call("POST", "/v1/graphql", who.token, json=body)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


async def data(who: World, query: str, **variables: Any) -> Any:
    answer = await asked(who, query, **variables)
    assert "errors" not in answer, answer
    return answer["data"]


async def refusal(who: World, query: str, **variables: Any) -> str:
    errors = (await asked(who, query, **variables))["errors"]
    return str(errors[0]["message"])


@pytest.mark.parametrize("newer", [False, True])
async def test_clients_introspect_as_they_like(world: World, newer: bool) -> None:
    usual = get_introspection_query(
        specified_by_url=newer, schema_description=newer, input_value_deprecation=newer
    )
    found = await data(world, usual)
    assert found == await data(world, usual.replace("query IntrospectionQuery", "query Other"))
    query = build_client_schema(found).query_type
    assert query is not None
    assert "workspace_by_pk" in query.fields


async def test_introspection_lists_the_types(world: World) -> None:
    query = "{ __schema { queryType { name } mutationType { name } types { name kind } } }"
    schema = (await data(world, query))["__schema"]
    assert schema["queryType"]["name"] == "query_root"
    assert schema["mutationType"]["name"] == "mutation_root"
    scalars = {one["name"] for one in schema["types"] if one["kind"] == "SCALAR"}
    assert {"bigint", "uuid", "timestamptz", "jsonb", "bpchar"} <= scalars


@pytest.fixture
async def somebody(service: Service, log: EventLog) -> tuple[World, str, str]:
    """Who has no workspace yet; their email and id."""
    email = f"{uuid4()}@example.org"
    id = await new_user(service, email)
    return World(service, log, await service.login(email)), email, str(id)


async def test_ones_own_workspace_is_made_once(somebody: tuple[World, str, str]) -> None:
    world, email, me = somebody
    answers = await asyncio.gather(*(data(world, DEFAULT, user_id=me) for _ in range(5)))
    (first,) = answers[0]["user_default_workspace"]
    assert all(answer == answers[0] for answer in answers)
    found = first["workspace"]
    assert found["name"] == f"{email} - Default Workspace"
    assert (found["created_by"], found["users"]) == (me, [{"user_id": me}])
    assert (found["archived"], found["models"], found["pipelines"]) == (False, [], [])
    assert found["created_at"][10] == "T"
    made = await data(
        world, CREATE_DEFAULT, user_id=me, workspace_name="anything", user_type="OWNER"
    )
    assert made == {"insert_workspace_one": {"id": found["id"]}}


async def test_nobody_takes_ones_own_workspace_away(
    world: World, somebody: tuple[World, str, str]
) -> None:
    owner, email, me = somebody
    name = f"{email} - Default Workspace"
    taken = await world.post("workspaces/create", {"workspace_name": name})
    mine = await data(owner, DEFAULT, user_id=me)
    (found,) = mine["user_default_workspace"]
    assert found["workspace"]["id"] != taken["workspace_id"]
    assert found["workspace"]["name"] == f"{name} 2"


async def test_of_others_there_is_no_default(member: World, people: dict[str, Any]) -> None:
    assert await data(member, DEFAULT, user_id=str(people[OUTSIDER])) == {
        "user_default_workspace": []
    }


async def test_a_workspace_and_an_orchestration_are_members_to_see(
    world: World, outsider: World
) -> None:
    workspace = await world.workspace()
    id = await world.upload(workspace)
    seen = (await data(world, BY_ID, id=workspace))["workspace_by_pk"]
    assert (seen["id"], seen["users"][0]["user_type"]) == (workspace, "owner")
    found = (await data(world, ORCHESTRATION, id=str(id)))["orchestration_by_pk"]
    told = await world.post("orchestration/get_by_id", {"id": str(id)})
    shared = found.keys() & told.keys()
    assert {name: found[name] for name in shared} == {name: told[name] for name in shared}
    assert found.keys() - told.keys() == {"created_on_version"}
    assert await data(outsider, BY_ID, id=workspace) == {"workspace_by_pk": None}
    assert await data(outsider, ORCHESTRATION, id=str(id)) == {"orchestration_by_pk": None}
    assert await data(world, ORCHESTRATION, id=str(uuid4())) == {"orchestration_by_pk": None}


async def test_members_come_and_go(
    world: World, member: World, outsider: World, people: dict[str, Any]
) -> None:
    workspace, you = await world.workspace(), str(people[MEMBER])
    body = {"workspace_id": workspace, "email": MEMBER.upper(), "url": "http://localhost"}
    added = await world.post("workspaces/add_user", body)
    assert (added["user_id"], added["user_type"]) == (you, "collaborator")
    listed = (await member.post("workspaces/list_users", {"workspace_id": workspace}))["users"]
    assert {one["email"] for one in listed} >= {MEMBER}
    variables = {"user_id": you, "workspace_id": workspace}
    nothing = await data(outsider, REMOVE, **variables)
    assert nothing == {"delete_workspace_users": {"affected_rows": 0, "returning": []}}
    owner = next(one["user_id"] for one in listed if one["user_type"] == "owner")
    told = await refusal(member, REMOVE, user_id=owner, workspace_id=workspace)
    assert "only its owners" in told
    removed = await data(world, REMOVE, **variables)
    assert removed["delete_workspace_users"] == {
        "affected_rows": 1,
        "returning": [{"user_id": you}],
    }
    await member.post("workspaces/list_users", {"workspace_id": workspace}, 403)
    assert "last owner" in await refusal(world, REMOVE, user_id=owner, workspace_id=workspace)


async def test_a_filter_that_is_too_wide_removes_nobody(world: World) -> None:
    await world.workspace()
    await world.workspace()
    told = await refusal(world, "mutation { delete_workspace_users(where: {}) { affected_rows } }")
    assert told.startswith("where: ")


async def test_what_this_platform_has_none_of(world: World) -> None:
    assert await data(world, "{ deployment_by_pk(id: 1) { id } }") == {"deployment_by_pk": None}
    told = await refusal(
        world, "mutation { update_deployment_by_pk(pk_columns: {id: 1}) { deployed } }"
    )
    assert told.startswith("mutation: ")


async def test_a_name_that_is_taken(world: World) -> None:
    query = "mutation($name: String) { insert_workspace_one(object: {name: $name}) { id name } }"
    name = f"by-graphql-{uuid4()}"
    made = await data(world, query, name=name)
    assert made["insert_workspace_one"]["name"] == name
    answer = await asked(world, query, name=name)
    assert answer["errors"][0]["extensions"] == {"reason": "conflict"}
    assert answer["errors"][0]["path"] == ["insert_workspace_one"]


DEEP = "{ workspace_by_pk(id: 1) " + "{ models { workspace " * 12 + "{ id }" + " } }" * 12 + "}"
WIDE = "{" + "".join(f"a{n}: __typename " for n in range(640)) + "}"
BOMB = (
    "query { ...f0 } "
    + "".join(f"fragment f{n} on query_root {{ ...f{n + 1} ...f{n + 1} }} " for n in range(12))
    + "fragment f12 on query_root { __typename }"
)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "Syntax Error"),
        ("{ nothing }", "Cannot query field"),
        ("{ workspace_by_pk { id } }", "argument 'id'"),
        ("{ workspace_by_pk(id: true) { id } }", "whole number"),
        ("{ workspace_by_pk(id: 9223372036854775808) { id } }", "64 bits"),
        ('{ orchestration_by_pk(id: "x") { id } }', "UUID"),
        (DEEP, "levels deep"),
        (WIDE, "fields"),
        (BOMB, "fields"),
        ("{ ...f } fragment f on query_root { ...f }", "fields"),
        ("{" + "a " * 2000 + "}", "tokens"),
        ("#" * 40_000, "characters"),
        ("query a { __typename } query b { __typename }", "operation name"),
    ],
)
async def test_documents_that_are_refused(world: World, query: str, word: str) -> None:
    assert word in await refusal(world, query)


async def test_without_a_token_there_is_nothing(service: Service) -> None:
    answer = await service.call("POST", "/v1/graphql", json={"query": "{ __typename }"})
    assert (answer.status, answer.body["reason"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ([], "body: expected object"),
        ({}, "query: this field is required"),
        ({"query": 1}, "query: expected str"),
        ({"query": "", "variables": []}, "variables: expected object"),
        ({"query": "", "operationName": 1}, "operationName: expected str"),
    ],
)
async def test_bodies_that_are_none(world: World, body: Any, word: str) -> None:
    answer = await world.service.call("POST", "/v1/graphql", world.token, json=body)
    assert answer.status == 400
    assert answer.body["msg"].startswith(word)
