from typing import Any

import pytest

from libs.domain.errors import Rejected
from libs.domain.pipeline_steps import ModelInference, models_of, parse_steps
from tests.domain.test_validation import named, over

A = {"name": "a", "version": "v-a", "sha": "1"}
B = {"name": "b", "version": "v-b", "sha": "2"}
RUN_A = {"ModelInference": {"models": [A]}}
BOTH = {"ModelInference": {"models": [A, B]}}
RANDOM = {
    "RandomSplit": {
        "hash_key": None,
        "weights": [{"model": A, "weight": 2}, {"model": B, "weight": 1.0}],
    }
}
BY_KEY = {"MetaValueSplit": {"split_key": "card", "control": A, "routes": {"gold": B}}}


@pytest.mark.parametrize(
    "steps",
    [
        [RUN_A],
        [RUN_A, RUN_A],
        [BOTH, {"AuditResults": {"from": 1, "to": None}}, {"MultiOut": {}}],
        [BOTH, {"Nth": {"index": 1}}, RUN_A],
        [RANDOM, {"Check": {"tree": [named(over(1.0))]}}],
        [BY_KEY],
    ],
)
def test_every_step_of_the_sdk_is_served(steps: list[Any]) -> None:
    assert [type(each).__name__ for each in parse_steps(steps)] == [
        kind for step in steps for kind in step
    ]


def test_the_models_of_a_step_are_known() -> None:
    split, keyed = parse_steps([RANDOM, BY_KEY])

    assert [each.name for each in models_of(split)] == ["a", "b"]
    assert [each.version for each in models_of(keyed)] == ["v-a", "v-b"]
    assert parse_steps([RUN_A]) == [ModelInference(models_of(split)[:1])]


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ([], "steps: no step runs a model"),
        ([{"MultiOut": {}}], r"steps\[0\]: there is no model step before it"),
        ([RUN_A, {"Average": {}}], r"steps\[1\]: 'Average' steps are not supported"),
        ([RUN_A, {}], r"steps\[1\]: give an object with one key"),
        ([{"ModelInference": {"models": []}}], r"steps\[0\]: it names no model"),
        ([{"ModelInference": {}}], r"steps\[0\].ModelInference: .*`models`"),
        ([{"ModelInference": {"models": [{"name": 7}]}}], r"\$.models\[0\].name"),
        ([BOTH, RUN_A], r"steps\[1\]: 2 models answer before it; select one"),
        ([BOTH, {"Nth": {"index": 2}}], r"steps\[1\].index: 2, of 2 models"),
        (
            [{"RandomSplit": {"weights": [{"model": A, "weight": 0}]}}],
            r"steps\[0\].weights: give numbers from 0",
        ),
        (
            [{"RandomSplit": {"weights": [{"model": A, "weight": -1}]}}],
            r"steps\[0\].weights: give numbers from 0",
        ),
        ([RUN_A, {"Check": {"tree": ["?"]}}], r"steps\[1\].tree\[0\]: no JSON"),
        ([RUN_A, {"Check": {"tree": [named(over(1.0))] * 2}}], r"tree\[1\]: 'too_high' is there"),
    ],
)
def test_what_can_not_be_served_is_refused_with_its_place(steps: list[Any], place: str) -> None:
    with pytest.raises(Rejected, match=place) as refused:
        parse_steps(steps)

    assert refused.value.code == "invalid"
