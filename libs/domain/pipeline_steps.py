"""The steps of a pipeline, as its definition says them: one-key objects, the kind of the step.

They come from clients; what is not served is refused by name, before anything is deployed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from libs.domain.errors import Rejected
from libs.domain.validation import parse as parse_validation


class ModelRef(msgspec.Struct, frozen=True):
    """A model version in a definition. `version` is its id as text."""

    name: str
    version: str
    sha: str = ""


class ModelInference(msgspec.Struct, frozen=True):
    """All of `models` run on the same input."""

    models: list[ModelRef]


class AuditResults(msgspec.Struct, frozen=True):
    """Says which earlier results are kept. Here all answers are kept, so there is nothing to do."""

    start: int = msgspec.field(default=0, name="from")
    to: int | None = None


class MultiOut(msgspec.Struct, frozen=True):
    """The first model of the step before answers, the others only show what they would have."""


class Nth(msgspec.Struct, frozen=True):
    """Of the models of the step before, the one at `index` answers."""

    index: int


class WeightedModel(msgspec.Struct, frozen=True):
    """A model that gets `weight` parts of the requests."""

    model: ModelRef
    weight: float


class RandomSplit(msgspec.Struct, frozen=True):
    """One of the models answers: by chance, or by the value of column `hash_key`."""

    weights: list[WeightedModel]
    hash_key: str | None = None


class MetaValueSplit(msgspec.Struct, frozen=True):
    """One of the models answers: that of the value of column `split_key`, else `control`."""

    split_key: str
    control: ModelRef
    routes: dict[str, ModelRef]


class Check(msgspec.Struct, frozen=True):
    """Rows for which an expression is true are anomalies. Each of `tree` is the JSON of one, as
    validation.py reads it."""

    tree: list[str]


Step = ModelInference | AuditResults | MultiOut | Nth | RandomSplit | MetaValueSplit | Check
_KINDS: Mapping[str, type[Step]] = {
    kind.__name__: kind
    for kind in (ModelInference, AuditResults, MultiOut, Nth, RandomSplit, MetaValueSplit, Check)
}


def parse_steps(steps: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Rejected("invalid") with the place of what is not supported, or could never run."""
    parsed = [parse_step(step, f"definition.steps[{place}]") for place, step in enumerate(steps)]
    models = 0  # how many answers the step before gives
    for place, step in enumerate(parsed):
        models = _answers(step, models, f"definition.steps[{place}]")
    if not models:
        raise Rejected("invalid", "definition.steps: no step runs a model; add a model step")
    return parsed


def models_of(step: Step) -> list[ModelRef]:
    """Those that it may run."""
    match step:
        case ModelInference(models=models):
            return models
        case RandomSplit(weights=weights):
            return [each.model for each in weights]
        case MetaValueSplit(control=control, routes=routes):
            return [control, *routes.values()]
        case _:
            return []


def parse_step(step: Mapping[str, Any], place: str) -> Step:
    """A step by itself, which is at `place`. Rejected("invalid") for what is not supported."""
    if not isinstance(step, Mapping) or len(step) != 1:
        raise Rejected("invalid", f"{place}: give an object with one key, the kind of the step")
    [(kind, body)] = step.items()
    if kind not in _KINDS:
        raise Rejected(
            "invalid", f"{place}: {kind!r} steps are not supported; use {', '.join(_KINDS)}"
        )
    try:
        return msgspec.convert(body, _KINDS[kind])
    except msgspec.ValidationError as error:
        raise Rejected("invalid", f"{place}.{kind}: {error}") from error


def _answers(step: Step, before: int, place: str) -> int:
    """How many models' answers there are after it. Rejected("invalid") if it can't run there."""
    models = models_of(step)
    if isinstance(step, ModelInference | RandomSplit) and not models:
        raise Rejected("invalid", f"{place}: it names no model")
    if models and before > 1:
        raise Rejected(
            "invalid", f"{place}: {before} models answer before it; select one with an Nth step"
        )
    if not models and not before:
        raise Rejected("invalid", f"{place}: there is no model step before it")
    match step:
        case ModelInference():
            return len(models)
        case RandomSplit(weights=weights):
            _check_weights([each.weight for each in weights], place)
            return 1
        case MetaValueSplit():
            return 1
        case Nth(index=index) if not 0 <= index < before:
            raise Rejected("invalid", f"{place}.index: {index}, of {before} models; counted from 0")
        case Nth():
            return 1
        case Check(tree=tree):
            _check_validations(tree, place)
            return before
        case _:
            return before


def _check_validations(tree: Sequence[str], place: str) -> None:
    names = set()
    for at, text in enumerate(tree):
        try:
            name = parse_validation(text).name
        except ValueError as error:
            raise Rejected("invalid", f"{place}.tree[{at}]: {error}") from error
        if name in names:
            raise Rejected("invalid", f"{place}.tree[{at}]: {name!r} is there twice; rename one")
        names.add(name)


def _check_weights(weights: Sequence[float], place: str) -> None:
    if not all(0 <= weight < float("inf") for weight in weights) or not sum(weights):
        raise Rejected("invalid", f"{place}.weights: give numbers from 0, one of them above")
