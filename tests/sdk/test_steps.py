"""The steps that calls write: those of the published SDK, key by key."""

from typing import Any

import pytest
from rondo.deployment_config import DeploymentConfigBuilder
from rondo.inference_records import ModelVersionRecord, step_name
from rondo.steps import StepList
from rondo.validation import column

from libs.domain.validation import Binary, Column, Get, Literal, Unary, Validation, parse


def _version(name: str) -> ModelVersionRecord:
    file = {"version": f"{name}-1", "sha": f"sha-{name}", "file_name": f"{name}.onnx"}
    return ModelVersionRecord({"id": 1, "name": name, "file_info": file})


def _reference(name: str) -> dict[str, str]:
    return {"name": name, "version": f"{name}-1", "sha": f"sha-{name}"}


A, B, C = map(_version, "abc")


def _models(*names: str) -> dict[str, object]:
    return {"ModelInference": {"models": [_reference(name) for name in names]}}


def test_models_in_a_row_and_side_by_side() -> None:
    steps = StepList().add_model_step(A).add_multi_model_step([B, C]).add_select(1).steps()
    assert steps == [_models("a"), _models("b", "c"), {"Nth": {"index": 1}}]


def test_a_shadow_is_three_steps() -> None:
    audit = {"AuditResults": {"from": 1, "to": None}}
    expected = [_models("a", "b"), audit, {"MultiOut": {}}]
    assert StepList().add_shadow_deploy(A, [B]).steps() == expected
    replaced = StepList().add_model_step(C).replace_with_shadow_deploy(0, A, [B])
    assert replaced.steps() == expected


def test_splits() -> None:
    by_chance, by_key = StepList().add_random_split([(2, A), (1, B)], "session").steps(), StepList()
    weights = [{"model": _reference("a"), "weight": 2}, {"model": _reference("b"), "weight": 1}]
    assert by_chance == [{"RandomSplit": {"hash_key": "session", "weights": weights}}]
    by_key.add_key_split(A, "card", {"gold": B})
    routes = {"gold": _reference("b")}
    body = {"split_key": "card", "control": _reference("a"), "routes": routes}
    assert by_key.steps() == [{"MetaValueSplit": body}]


@pytest.mark.parametrize(
    ("slice", "start", "to"), [("1:", 1, None), ("1:3", 1, 3), (":2", 0, 2), (":", 0, None)]
)
def test_slices_of_audits(slice: str, start: int, to: int | None) -> None:
    assert StepList().add_audit(slice).steps() == [{"AuditResults": {"from": start, "to": to}}]


def test_steps_are_replaced_and_removed_in_place() -> None:
    steps = StepList().add_model_step(A).add_select(0).replace_with_model_step(0, B)
    assert steps.steps() == [_models("b"), {"Nth": {"index": 0}}]
    assert steps.remove_step(1).replace_with_random_split(0, [(1, C)]).steps() == [
        {"RandomSplit": {"hash_key": None, "weights": [{"model": _reference("c"), "weight": 1}]}}
    ]
    with pytest.raises(IndexError, match="there are 1"):
        steps.replace_with_select(1, 0)
    assert steps.clear().steps() == []


def test_names_of_steps_for_people() -> None:
    steps = StepList().add_multi_model_step([A, B]).add_select(0).steps()
    assert list(map(step_name, steps)) == ["a & b", "Nth"]


def test_a_config_as_the_published_builder_writes_it() -> None:
    builder = DeploymentConfigBuilder().replica_count(2).cpus(0.5).memory("1Gi")
    amounts = {"cpu": 0.5, "memory": "1Gi"}
    assert builder.build() == {
        "engine": {
            "replicas": 2,
            "cpu": 0.5,
            "resources": {"limits": amounts, "requests": amounts},
        },
        "enginelb": {},
        "engineAux": {"images": {}},
    }
    scaled = DeploymentConfigBuilder(7).replica_autoscale_min_max(minimum=1, maximum=5)
    scaled.scale_up_queue_depth(5).autoscaling_window(60)
    assert scaled.build()["workspace_id"] == 7
    assert scaled.build()["engine"]["autoscale"] == {
        "replica_min": 1,
        "replica_max": 5,
        "type": "queue",
        "scale_up_queue_depth": 5,
        "scale_down_queue_depth": 1,
        "autoscaling_window": 60,
    }
    assert "autoscale" not in scaled.disable_autoscale().build()["engine"]


def test_configs_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="5 to 2"):
        DeploymentConfigBuilder().replica_autoscale_min_max(minimum=5, maximum=2)
    with pytest.raises(ValueError, match="scale_up_queue_depth first"):
        DeploymentConfigBuilder().autoscaling_window(60)


def test_a_config_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYMENT_CONFIG", '{"replicas": 3, "memory": "2Gi"}')
    engine = DeploymentConfigBuilder().build()["engine"]
    assert (engine["replicas"], engine["resources"]["limits"]) == (3, {"memory": "2Gi"})


def _read(step: dict[str, Any]) -> list[Validation]:
    return [parse(text) for text in step["Check"]["tree"]]


def test_validations_are_what_pipelines_read() -> None:
    price = column("out.price")[0]
    steps = StepList().add_validations(
        high=price > 10.5, odd=~((price == 1) | (abs(price - column("in.old")) / 2 >= 3))
    )
    high, odd = _read(steps.steps()[0])
    first = Get(Column("out.price"), 0)
    assert high == Validation("high", Binary("Gt", first, Literal(10.5)))
    change = Unary("Abs", Binary("Minus", first, Column("in.old")))
    large = Binary("GtEq", Binary("TrueDivide", change, Literal(2)), Literal(3))
    either = Binary("Or", Binary("Eq", first, Literal(1)), large)
    assert odd == Validation("odd", Unary("Not", either))


def test_conditions_that_can_not_be_meant() -> None:
    with pytest.raises(TypeError, match="join with &"):
        assert column("out.a") > 1
    with pytest.raises(TypeError, match="a list"):
        StepList().add_validations(a=column("out.a") > [1])  # type: ignore[operator]
    with pytest.raises(ValueError, match="count"):
        StepList().add_validations(count=column("out.a") > 1)
