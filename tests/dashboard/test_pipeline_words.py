"""What the pages of models and pipelines say and send, without a platform."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from libs.domain.deployment import Deployment
from libs.domain.errors import Rejected
from libs.domain.values import DeployedModel, ReplicaLimits, Scaling, TensorSpec
from services.api.dashboard import deploy, pipeline_steps, trial
from services.api.dashboard.formats import readable
from services.api.dashboard.model import shape
from services.api.dashboard.render import environment
from services.api.deployments import engine_config

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ONE = {"name": "one", "version": str(UUID(int=1)), "sha": "1"}
TWO = {"name": "two", "version": str(UUID(int=2)), "sha": "2"}
BOTH = {"ModelInference": {"models": [ONE, TWO]}}
TOO_HIGH = {
    "BinaryExpr": {
        "left": {
            "BinaryExpr": {"left": {"Column": "out.a"}, "op": "Plus", "right": {"Column": "b"}}
        },
        "op": "GtEq",
        "right": {"Literal": {"Float64": 20.5}},
    }
}


def tensor(*sizes: int | None, dtype: str = "float", name: str = "x") -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=list(sizes))


def deployed(*steps: dict[str, Any], inputs: list[TensorSpec], **more: Any) -> Deployment:
    """Of model ONE with these inputs."""
    model = DeployedModel(
        name="one",
        version=UUID(int=1),
        number=1,
        config=1,
        sha="1",
        blob="b",
        framework="onnx",
        inputs=inputs,
        outputs=[],
        **more,
    )
    return Deployment(
        id=UUID(int=3),
        number=3,
        workspace=1,
        pipeline=UUID(int=4),
        name="prices",
        version=UUID(int=5),
        version_number=5,
        generation=1,
        status="running",
        steps=list(steps) or [{"ModelInference": {"models": [ONE]}}],
        models=[model],
        scaling=Scaling(),
        limits=ReplicaLimits(),
        engine_config={},
        requested_by="",
        created_at=NOW,
        updated_at=NOW,
    )


def test_steps_in_a_line() -> None:
    check = {"Check": {"tree": [json.dumps({"Alias": [TOO_HIGH, "too_high"]})]}}
    assert pipeline_steps.summary([BOTH, {"Nth": {"index": 1}}, check]) == (
        "one and two → answer 2 → 1 check"
    )
    split = {"MetaValueSplit": {"split_key": "region", "control": ONE, "routes": {"n": TWO}}}
    assert pipeline_steps.summary([split]) == "one or two by region"
    assert pipeline_steps.summary([{"Average": {}}]) == "a step that is not served here"
    assert pipeline_steps.summary([]) == ""


def test_a_check_as_people_write_it() -> None:
    check = {"Check": {"tree": [json.dumps({"Alias": [TOO_HIGH, "too_high"]}), "no json"]}}
    (drawn,) = pipeline_steps.drawn([check])
    assert drawn.details[0] == ("too_high", "(out.a + b) ≥ 20.5")
    assert drawn.details[1][0] == "not supported"


def test_a_step_that_is_not_served_is_shown_as_it_is() -> None:
    (drawn,) = pipeline_steps.drawn([{"Average": {"of": 2}}])
    assert json.loads(drawn.unknown) == {"Average": {"of": 2}}


def test_an_example_fits_the_inputs_by_the_names_of_their_columns() -> None:
    assert trial.example(deployed(inputs=[tensor(None, 2)])) == '[{"tensor": [0.0, 0.0]}]'
    two = [tensor(None, 1, dtype="int64", name="a"), tensor(None, dtype="string", name="b")]
    assert trial.example(deployed(inputs=two)) == '[{"a": [0], "b": ""}]'
    named = deployed(inputs=[tensor(None, None, 1, dtype="bool")], tensor_fields=["seen"])
    assert trial.example(named) == '[{"seen": [[false]]}]'


def test_an_example_has_the_column_that_chooses_a_model() -> None:
    split = {"MetaValueSplit": {"split_key": "region", "control": ONE, "routes": {"n": ONE}}}
    example = trial.example(deployed(split, inputs=[tensor(None, 1)]))
    assert json.loads(example) == [{"tensor": [0.0], "region": "n"}]


def test_an_example_that_would_be_long_is_left_to_the_visitor() -> None:
    assert trial.example(deployed(inputs=[tensor(None, 3, 224, 224)])) == ""
    assert trial.example(None) == ""


def test_shapes() -> None:
    assert shape(tensor(None, 18)) == "any by 18"
    assert shape(tensor()) == "one value"


def test_what_the_form_asks_for_is_what_programs_write() -> None:
    typed = {"least": "0", "most": "3", "cpus": "0.5", "memory": "1Gi"}
    scaling, limits = engine_config.parse({"engine": deploy.engine(typed, {})})
    assert scaling == Scaling(least=0, most=3, metric="queue")
    assert limits == ReplicaLimits(cpus=0.5, memory_bytes=1 << 30)
    fixed = {"least": "2", "most": "2", "cpus": "", "memory": ""}
    scaling, limits = engine_config.parse({"engine": deploy.engine(fixed, {})})
    assert (scaling.least, scaling.most, limits) == (2, 2, ReplicaLimits())


def test_what_the_form_does_not_ask_for_stays_as_it_was() -> None:
    typed = {"least": "1", "most": "4", "cpus": "2", "memory": ""}
    scale = {"replica_min": 0, "replica_max": 2, "cpu_utilization": 60.0, "type": "cpu"}
    before = {"autoscale": scale, "arch": "x86", "cpu": 7, "gpu": 0, "resources": {}}
    engine = deploy.engine(typed, before)
    assert engine["autoscale"] == {**scale, "replica_min": 1, "replica_max": 4}
    assert (engine["arch"], engine["gpu"], engine.get("cpu")) == ("x86", 0, None)
    assert "autoscale" not in deploy.engine({**typed, "most": "1"}, before)


@pytest.mark.parametrize("least", ["two", "-1", "1.5", "9" * 9])
def test_replicas_that_are_no_number(least: str) -> None:
    with pytest.raises(Rejected, match=r"^least: "):
        deploy.engine({"least": least, "most": "1", "cpus": "1", "memory": ""}, {})


def test_json_for_people_keeps_what_fits_in_a_line() -> None:
    value = {"a": [0.1] * 50, "b": {"c": 718013.7, "d": None}, "e": "é" * 60}
    text = readable(value)
    assert json.loads(text) == value
    assert '  "b": {"c": 718013.7, "d": null},' in text.splitlines()
    assert len(text.splitlines()) == 5


def test_a_version_that_fails_and_the_one_before_that_goes_on_serving() -> None:
    before = deployed(inputs=[])
    after = msgspec.structs.replace(
        before, generation=2, version_number=9, previous=before.current, reason="no memory"
    )
    module: Any = environment().get_template("serving.html").module
    failed = msgspec.structs.replace(after, status="error")
    words = module.deployment_words(failed, "/pipelines/4")
    assert "Version 9 can't be served: no memory." in words
    assert "Version 5 goes on serving." in words
    assert "Update failed" in module.deployment_badge(failed)
    starting = msgspec.structs.replace(after, status="starting")
    assert "Version 5 serves until then." in module.deployment_words(starting, "/pipelines/4")
