"""I8 over the whole schema: whatever a document begins with and wherever it goes on, it shows
nothing of a workspace that its caller may not see, and changes nothing there.

Documents are made of the schema: for each relation one from each field of the root that leads to
it. A new field of a root needs a row here, a new relation none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from libs.eventlog.log import EventLog
from services.api.graphql import serve
from tests.api.callers import MEMBER
from tests.api.definitions import inference
from tests.api.graphql_table import ANYBODYS, MUTATIONS, QUERIES, Things
from tests.api.served_world import SHA, model_version
from tests.api.service import Service
from tests.api.test_deployments import deploy
from tests.api.test_graphql import asked, data
from tests.api.test_pipelines import built
from tests.api.test_run_tokens import scene_of
from tests.api.world import World, new_user

SCHEMA = build_schema(
    "\n".join(
        (files(serve.__package__) / f"{name}.graphql").read_text()
        for name in ("platform", "models")
    )
)
WAYS_AT_ONCE = 25  # in a document, which has its limits
NEVER = {("pipeline_version", "pipeline_publishes")}  # relations that nothing has


@dataclass(frozen=True)
class Scene:
    """Two workspaces of one owner. A collaborator may see `open`, and so may a run in it; `closed`
    they may not. Things of both have a tag in common, besides one of their own."""

    owner: World
    collaborator: World
    run: World
    open: Things
    closed: Things


@pytest.fixture
async def scene(service: Service, log: EventLog, people: dict[str, UUID]) -> Scene:
    email = f"{uuid4()}@example.org"
    id = await new_user(service, email)
    owner = World(service, log, await service.login(email))
    running = await scene_of(owner, id)
    await owner.add_member(running.workspace, people[MEMBER])
    both = await _tag(owner, "both")
    return Scene(
        owner,
        World(service, log, await service.login(MEMBER)),
        World(service, log, running.token()),
        await _things(owner, running.workspace, both),
        await _things(owner, running.elsewhere, both),
    )


async def _things(owner: World, workspace: int, both: int) -> Things:
    word = f"w{uuid4().hex}"
    version = await model_version(owner, workspace, word, tensor_fields=["tensor"])
    named = {"name": word, "version": str(version.id), "sha": SHA}
    made = await built(owner, workspace, word, definition=inference(named))
    deployed = await deploy(owner, made, deploy_id=word)
    own = await _tag(owner, word)
    for tag in (own, both):
        await data(owner, _INSERT_TAGS % (version.number, tag, made["pipeline_pk_id"], tag))
    return Things(
        word,
        workspace,
        await owner.orchestration(workspace),
        version,
        made["pipeline_pk_id"],
        made["pipeline_variant_pk_id"],
        deployed["id"],
        own,
    )


_INSERT_TAGS = """mutation {
    insert_model_tag(objects: {model_id: %d, tag_id: %d}) { affected_rows }
    insert_pipeline_tag(objects: {pipeline_pk_id: %d, tag_pk_id: %d}) { affected_rows } }"""


async def _tag(owner: World, name: str) -> int:
    text = 'mutation { insert_tag(objects: {tag: "%s"}) { returning { id } } }'
    made = await data(owner, text % name)
    return int(made["insert_tag"]["returning"][0]["id"])


def test_every_field_of_a_root_has_a_row() -> None:
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    assert SCHEMA.query_type.fields.keys() == QUERIES.keys()
    assert SCHEMA.mutation_type.fields.keys() == MUTATIONS.keys() | ANYBODYS


Relation = tuple[str, str]  # a type, and the field of it that has rows


def _relations(of: GraphQLObjectType) -> Iterator[tuple[str, GraphQLField, GraphQLObjectType]]:
    for name, field in of.fields.items():
        kind = get_named_type(field.type)
        if isinstance(kind, GraphQLObjectType):
            yield name, field, kind


def _leaves(of: GraphQLObjectType) -> str:
    leaves = [name for name, field in of.fields.items() if is_leaf_type(get_named_type(field.type))]
    return " ".join(leaves or ["__typename"])


def ways(further: bool) -> Iterator[tuple[str, list[Relation], str]]:
    """For each field of the query and each relation behind it: the field, the relations on the
    shortest way to that one, and what is asked for this way. Each row is asked for all its
    values."""
    assert SCHEMA.query_type is not None
    for root, _, kind in _relations(SCHEMA.query_type):
        yield root, [], _leaves(kind)
        for way, place in _ways(kind) if further else ():
            inner = _leaves(place)
            for name in (name for _, name in reversed(way)):
                inner = f"{name} {{ {inner} }}"
            yield root, way, inner


def _ways(start: GraphQLObjectType) -> Iterator[tuple[list[Relation], GraphQLObjectType]]:
    """The shortest way to each relation."""
    seen, waiting = {start.name}, [(start, list[Relation]())]
    for of, way in waiting:
        for name, _, kind in _relations(of):
            further = [*way, (of.name, name)]
            yield further, kind
            if kind.name not in seen:
                seen.add(kind.name)
                waiting.append((kind, further))


async def seen_by(
    who: World, things: Things, further: bool = True
) -> tuple[list[object], dict[Relation, int]]:
    """All that documents give which begin with these things, and how many rows each relation had;
    without `further` relations are left out."""
    answers: list[object] = []
    rows: dict[Relation, int] = {}
    for some in batched(ways(further), WAYS_AT_ONCE):
        text = " ".join(
            f"a{place}: {root}{QUERIES[root](things)} {{ {inner} }}"
            for place, (root, _, inner) in enumerate(some)
        )
        found = await data(who, f"{{ {text} }}")
        answers += found.values()
        for place, (_, way, _) in enumerate(some):
            for end in range(len(way)):
                inner = _behind([found[f"a{place}"]], [name for _, name in way[: end + 1]])
                rows[way[end]] = max(rows.get(way[end], 0), len(inner))
    return answers, rows


def batched(
    ways: Iterable[tuple[str, list[Relation], str]], size: int
) -> Iterator[list[tuple[str, list[Relation], str]]]:
    left = iter(ways)
    while some := list(islice(left, size)):
        yield some


def _behind(rows: list[Any], names: list[str]) -> list[Any]:
    """What is there at the end of that way."""
    for name in names:
        flat = [one for row in rows for one in (row if isinstance(row, list) else [row]) if one]
        rows = [one[name] for one in flat if one.get(name)]
    return [one for row in rows for one in (row if isinstance(row, list) else [row])]


async def test_i8_no_relation_leads_into_a_workspace_that_is_closed(scene: Scene) -> None:
    for who in (scene.collaborator, scene.run):
        answers, rows = await seen_by(who, scene.open)
        assert not scene.closed.of(answers)
        assert {relation for relation, count in rows.items() if not count} == NEVER


async def test_i8_no_document_begins_with_what_is_closed(scene: Scene, outsider: World) -> None:
    for who in (outsider, scene.collaborator, scene.run):
        answers, _ = await seen_by(who, scene.closed, further=False)
        assert not scene.closed.of(answers)
    answers, _ = await seen_by(scene.owner, scene.closed, further=False)
    assert len(scene.closed.of(answers)) == len(scene.closed.names)


async def test_i8_nobody_changes_what_they_may_not_see(scene: Scene, outsider: World) -> None:
    before = await seen_by(scene.owner, scene.closed)
    for name, arguments in MUTATIONS.items():
        for who in (outsider, scene.collaborator, scene.run):
            answer = await asked(who, f"mutation {{ {name}{arguments(scene.closed)} }}")
            changed = (answer.get("data") or {}).get(name) or {"affected_rows": 0}
            assert answer.get("errors") or changed == {"affected_rows": 0}, answer
    assert await seen_by(scene.owner, scene.closed) == before
