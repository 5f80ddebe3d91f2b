"""A pipeline is a name under which steps are versioned; versions never change."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from libs.domain import pipeline as pipelines
from libs.domain import pipeline_version as versions
from libs.domain.errors import Rejected
from libs.domain.events import (
    Event,
    PipelineCreated,
    PipelineDeleted,
    PipelineTagged,
    PipelineUntagged,
    PipelineVersionCreated,
    PipelineVersionDeleted,
    TaskStarted,
)
from libs.domain.ids import deployment_stream, pipeline_stream, pipeline_version_stream
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import MAX_DEFINITION_BYTES, PipelineVersion
from libs.domain.tag import MAX_TAGS
from tests.domain.decider import ID, Decider

STREAM = pipeline_stream(1, "prices")
CREATED = PipelineCreated(name="prices")
TAG = UUID(int=7)


def model(name: str) -> dict[str, str]:
    return {"name": name, "version": str(ID), "sha": "0" * 64}


def given(*events: Event) -> Decider[Pipeline]:
    return Decider(pipelines.evolve, STREAM, [CREATED, *events])


def version(definition: dict[str, Any]) -> Decider[PipelineVersion]:
    events = versions.create(ID, "prices", definition)
    return Decider(versions.evolve, pipeline_version_stream(1, ID), events)


def deleted(state: Pipeline) -> Any:
    return pipelines.delete(state, deployed=False)


def test_a_name_is_taken_once() -> None:
    assert pipelines.create(None, "prices") == [CREATED]
    given().decides(lambda state: pipelines.create(state, "prices"))
    with pytest.raises(Rejected, match=r"^pipeline_id: "):
        pipelines.create(None, "a b")


def test_a_deleted_one_begins_anew_with_another_number_and_without_tags() -> None:
    gone = given(PipelineTagged(tag=TAG)).decides_once(deleted, PipelineDeleted())
    again = gone.decides_once(lambda state: pipelines.create(state, "prices"), CREATED)
    assert (again.state.number, again.state.tags, again.state.deleted) == (4, [], False)


def test_what_is_deployed_is_not_deleted() -> None:
    given().refuses(
        lambda state: pipelines.delete(state, deployed=True), "conflict", "undeploy it first"
    )


def test_a_tag_is_put_on_and_taken_off_once() -> None:
    tagged = given().decides_once(lambda state: pipelines.tag(state, TAG), PipelineTagged(tag=TAG))
    tagged.decides_once(lambda state: pipelines.untag(state, TAG), PipelineUntagged(tag=TAG))


def test_there_are_at_most_so_many_tags_and_none_on_what_is_deleted() -> None:
    full = given(*(PipelineTagged(tag=UUID(int=number)) for number in range(MAX_TAGS)))
    full.refuses(
        lambda state: pipelines.tag(state, UUID(int=MAX_TAGS)), "conflict", "remove one first"
    )
    given(PipelineDeleted()).refuses(
        lambda state: pipelines.tag(state, TAG), "not_found", "is deleted"
    )


def test_it_has_one_deployment_for_good() -> None:
    pipeline = UUID(STREAM.id)
    assert deployment_stream(1, pipeline) == deployment_stream(1, pipeline)
    assert deployment_stream(1, pipeline) != deployment_stream(1, ID)


def test_an_empty_definition_is_one_without_steps() -> None:
    assert version({}).state.definition == {"id": "prices", "steps": []}


def test_a_definition_is_kept_as_it_came_under_the_name_of_its_pipeline() -> None:
    steps = [{"ModelInference": {"models": [model("rf")]}}, {"AuditResults": {"from": 1}}]
    state = version({"id": "other", "steps": steps, "more": True}).state
    assert state.definition == {"id": "prices", "steps": steps, "more": True}
    assert state.steps == steps


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({}, "definition.steps: give a list"),
        (["Audit"], r"definition.steps\[0\]: give an object with one key"),
        ([{"Audit": {}}, {}], r"definition.steps\[1\]: give an object with one key"),
        ([{"a": 1, "b": 2}], r"definition.steps\[0\]"),
        ([{"a": "x" * MAX_DEFINITION_BYTES}], "use fewer steps"),
    ],
)
def test_steps_that_are_none_are_refused(steps: Any, words: str) -> None:
    with pytest.raises(Rejected, match=words) as refused:
        versions.create(ID, "prices", {"steps": steps})
    assert refused.value.code == "invalid"


def test_the_models_of_all_kinds_of_steps_are_known_each_once() -> None:
    steps = [
        {"ModelInference": {"models": [model("a"), model("b")]}},
        {"RandomSplit": {"hash_key": None, "weights": [{"model": model("c"), "weight": 1}]}},
        {"MetaValueSplit": {"control": model("a"), "routes": {"gold": model("d")}}},
        {"Nth": {"index": 0}},
    ]
    assert version({"steps": steps}).state.models == ["a", "b", "c", "d"]


@for_all(st.integers(0, 100))
@example(5000)
def test_models_are_found_however_deep(depth: int) -> None:
    """The rows are made of it: nothing that somebody sends may stop them."""
    step: Any = model("deep")
    for _ in range(depth):
        step = [step]
    state = msgspec.structs.replace(
        version({}).state, definition={"id": "prices", "steps": [{"X": step}]}
    )
    assert state.models == ["deep"]


def test_deleting_a_version_twice_is_deleting_it_once() -> None:
    assert version({}).decides_once(versions.delete, PipelineVersionDeleted()).state.deleted


def test_a_broken_log_is_none() -> None:
    with pytest.raises(ValueError, match="TaskStarted is no event of a pipeline"):
        given().after(TaskStarted()).state  # noqa: B018
    with pytest.raises(ValueError, match="TaskStarted is no event of a pipeline version"):
        version({}).after(TaskStarted()).state  # noqa: B018
    assert isinstance(versions.create(ID, "p", {})[0], PipelineVersionCreated)
