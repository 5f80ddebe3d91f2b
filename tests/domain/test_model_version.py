"""A version of a model is probed once, configured as often as somebody likes, and tagged."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.domain import model_version as versions
from libs.domain.errors import Rejected
from libs.domain.events import (
    Event,
    ModelVersionConfigured,
    ModelVersionDeleted,
    ModelVersionEvent,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionReady,
    ModelVersionTagged,
    ModelVersionUntagged,
    ModelVersionUploaded,
    TaskStarted,
)
from libs.domain.ids import model_version_stream
from libs.domain.model_version import MAX_CONFIGS, ModelVersion
from libs.domain.tag import MAX_TAGS
from libs.domain.values import Batching, TensorSpec
from tests.domain.decider import ID, Decider

STREAM = model_version_stream(1, ID)
UPLOADED = ModelVersionUploaded(
    model=UUID(int=1),
    name="rf",
    file_name="rf.onnx",
    file_size=9,
    sha="0" * 64,
    blob="models/1/rf",
    framework="onnx",
    conversion={"framework": "onnx", "arch": "x86"},
    input_schema="aW4=",
    output_schema="b3V0",
)
TWO = [TensorSpec(name="a", dtype="float"), TensorSpec(name="b", dtype="int64", shape=[None, 3])]
READY = ModelVersionReady(inputs=TWO, outputs=TWO[:1], trees=True, environment="env", seconds=1.0)
PACKAGED = ModelVersionPackaged(environment="env", lock_digest="0")
FAILED = ModelVersionFailed(reason="it is no ONNX file")
PLAIN = ModelVersionConfigured()
TAG = UUID(int=7)


def given(*events: Event) -> Decider[ModelVersion]:
    return Decider(versions.evolve, STREAM, [UPLOADED, *events])


def configured(order: ModelVersionConfigured, *events: Event) -> Decider[ModelVersion]:
    return given(*events).decides(lambda state: versions.configure(state, order), order)


def test_what_can_be_served_is_taken() -> None:
    assert versions.upload(UPLOADED, "x86") == [UPLOADED]
    plain = replace(UPLOADED, conversion={"framework": "onnx"})
    assert versions.upload(plain, "arm") == [plain]
    python = replace(UPLOADED, framework="python")
    assert versions.upload(python, "x86") == [python]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "a b"}, "name: 'a b' is no name"),
        ({"framework": "keras"}, "conversion.framework: 'keras' is not served here; supported:"),
        ({"conversion": {"arch": "power10"}}, "conversion.arch: 'power10' is not served here"),
        ({"conversion": {"accel": {"qaic": {}}}}, "conversion.accel: "),
        ({"conversion": {"note": "x" * (16 << 10)}}, "conversion: more than 16384 bytes"),
        ({"file_size": 0}, "file: it is empty"),
        ({"framework": "python", "input_schema": ""}, "input_schema: a model of framework python"),
        ({"framework": "python", "output_schema": ""}, "output_schema: a model of"),
    ],
)
def test_what_can_not_be_served_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected) as refused:
        versions.upload(replace(UPLOADED, **changes), "x86")
    assert refused.value.code == "invalid"
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("framework", "tool"),
    [
        ("keras", "tf2onnx"),
        ("pytorch", "torch.onnx.export"),
        ("hugging-face-text-classification", "optimum.exporters.onnx"),
    ],
)
def test_a_framework_that_is_refused_has_a_way_to_onnx(framework: str, tool: str) -> None:
    with pytest.raises(Rejected, match=f"export it to ONNX by {tool}"):
        versions.upload(replace(UPLOADED, framework=framework), "x86")


def test_it_is_packaged_once_and_probed_then() -> None:
    packaged = given().decides_once(lambda state: versions.packaged(state, PACKAGED), PACKAGED)
    assert (packaged.state.status, packaged.state.environment) == ("pending", "env")
    packaged.decides(lambda state: versions.packaged(state, FAILED))
    ready = packaged.decides_once(lambda state: versions.probed(state, READY), READY)
    ready.decides(lambda state: versions.packaged(state, PACKAGED))


@pytest.mark.parametrize(("outcome", "other"), [(READY, FAILED), (FAILED, READY)])
def test_a_probe_ends_once_whichever_way(
    outcome: ModelVersionEvent, other: ModelVersionEvent
) -> None:
    ended = given().decides_once(lambda state: versions.probed(state, outcome), outcome)
    ended.decides(lambda state: versions.probed(state, other))


def test_a_deleted_one_is_not_probed() -> None:
    gone = given().decides_once(versions.delete, ModelVersionDeleted())
    gone.decides(lambda state: versions.probed(state, READY))


def test_the_state_has_what_the_probe_found() -> None:
    ready = given(READY).state
    assert (ready.status, ready.inputs, ready.outputs) == ("ready", TWO, TWO[:1])
    assert (ready.trees, ready.environment) == (True, "env")
    failed = given(FAILED).state
    assert (failed.status, failed.reason) == ("error", "it is no ONNX file")


def test_a_config_is_there_at_once_with_the_schemas_of_the_upload() -> None:
    fresh = given().state
    assert fresh.number == fresh.config.number == 1
    assert (fresh.config.input_schema, fresh.config.output_schema) == ("aW4=", "b3V0")


@for_all(st.lists(st.lists(st.text(max_size=3), min_size=2, max_size=2), max_size=8))
def test_every_config_is_kept_and_the_newest_counts(orders: list[list[str]]) -> None:
    state = given(READY)
    for fields in orders:
        order = ModelVersionConfigured(tensor_fields=fields)
        state = state.decides(partial(versions.configure, order=order), order)
    numbers = [config.number for config in state.state.configs]
    assert numbers == [1, *range(3, 3 + len(orders))]
    assert state.state.config.tensor_fields == (orders[-1] if orders else [])


def test_the_same_config_twice_is_two() -> None:
    assert len(configured(PLAIN, PLAIN).state.configs) == 3


def test_a_config_needs_a_column_for_each_input_that_is_known() -> None:
    one = ModelVersionConfigured(tensor_fields=["tensor"])
    given(READY).refuses(
        lambda state: versions.configure(state, one),
        "invalid",
        "tensor_fields: 1 columns for 2 inputs (a, b)",
    )
    configured(one)  # nobody knows the inputs yet


@pytest.mark.parametrize(
    ("batching", "words"),
    [
        (Batching(max_batch_delay_ms=-1), "max_batch_delay_ms is 0 or more"),
        (Batching(batch_size_target=0), "batch_size_target 1 or more"),
        (Batching(batch_size_target=8, batch_size_limit=7), "batch_size_limit is below"),
    ],
)
def test_batching_that_can_not_be_is_refused(batching: Batching, words: str) -> None:
    order = ModelVersionConfigured(batching=batching)
    given().refuses(lambda state: versions.configure(state, order), "invalid", words)


def test_batching_that_can_be_is_kept() -> None:
    batching = Batching(max_batch_delay_ms=0, batch_size_target=8, batch_size_limit=8)
    order = ModelVersionConfigured(batching=batching, filter_threshold=0.5, batch_config="single")
    config = configured(order).state.config
    assert (config.batching, config.filter_threshold) == (batching, 0.5)
    assert config.batch_config == "single"


def test_there_are_at_most_so_many_configs() -> None:
    full = given(*[PLAIN] * (MAX_CONFIGS - 1))
    full.refuses(lambda state: versions.configure(state, PLAIN), "conflict", "upload it again")


def test_a_tag_is_put_on_and_taken_off_once() -> None:
    tagged = given().decides_once(
        lambda state: versions.tag(state, TAG), ModelVersionTagged(tag=TAG)
    )
    assert tagged.state.tags == [TAG]
    bare = tagged.decides_once(
        lambda state: versions.untag(state, TAG), ModelVersionUntagged(tag=TAG)
    )
    assert bare.state.tags == []


def test_there_are_at_most_so_many_tags_and_one_that_is_on_it_is_no_more() -> None:
    full = given(*(ModelVersionTagged(tag=UUID(int=number)) for number in range(MAX_TAGS)))
    full.decides(lambda state: versions.tag(state, UUID(int=0)))
    full.refuses(
        lambda state: versions.tag(state, UUID(int=MAX_TAGS)), "conflict", "remove one first"
    )


def test_of_a_deleted_one_nothing_changes() -> None:
    gone = given(READY).decides_once(versions.delete, ModelVersionDeleted())
    gone.refuses(lambda state: versions.configure(state, PLAIN), "not_found", "upload it again")
    gone.refuses(lambda state: versions.tag(state, TAG), "not_found", "is deleted")


def test_a_broken_log_is_no_version() -> None:
    with pytest.raises(ValueError, match="TaskStarted is no event of a model version"):
        given().after(TaskStarted()).state  # noqa: B018
