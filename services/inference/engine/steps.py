"""The steps of a pipeline, ready to run."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from libs.domain.pipeline_steps import (
    Check,
    MetaValueSplit,
    ModelInference,
    ModelRef,
    Nth,
    RandomSplit,
    Step,
    models_of,
    parse_steps,
)
from libs.domain.validation import parse as parse_validation
from services.inference.engine.errors import BadModel
from services.inference.engine.flow import Flow, Result
from services.inference.engine.model import Model
from services.inference.engine.splits import Split, by_value, by_weight
from services.inference.engine.validations import Validations


class Runnable(Protocol):
    """A step with its models."""

    def run(self, flow: Flow) -> None:
        """Takes the flow one step on. Refused, or Cancelled."""
        ...


def compile_steps(
    steps: Sequence[Mapping[str, Any]], models: Mapping[UUID, Model]
) -> list[Runnable]:
    """`models` are by their versions. Rejected as parse_steps says; BadModel for a model that is
    not among them."""
    return [_compile(step, models) for step in parse_steps(steps)]


def _compile(step: Step, models: Mapping[UUID, Model]) -> Runnable:
    named = [_model(ref, models) for ref in models_of(step)]
    match step:
        case ModelInference():
            return RunModels(named)
        case Nth(index=index):
            return Select(index)
        case RandomSplit(weights=weights, hash_key=key):
            return Split(named, by_weight([each.weight for each in weights], key))
        case MetaValueSplit(split_key=key, routes=routes):
            return Split(named, by_value(key, list(routes)))
        case Check(tree=tree):
            return Validations([parse_validation(text) for text in tree])
        case _:
            return Keep()


def _model(ref: ModelRef, models: Mapping[UUID, Model]) -> Model:
    try:
        return models[UUID(ref.version)]
    except (KeyError, ValueError) as error:
        problem = f"the deployment does not have model {ref.name!r} {ref.version}"
        raise BadModel(problem) from error


class RunModels:
    """Each on the same input."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = models

    def run(self, flow: Flow) -> None:
        """See Runnable."""
        columns = flow.inputs
        flow.results = [
            Result(
                model,
                model.outputs,
                model.run(model.feeds(columns), flow.rows, flow.cancel),
                {},
            )
            for model in self._models
        ]


class Select:
    """One of the models of the step before."""

    def __init__(self, index: int) -> None:
        self._index = index

    def run(self, flow: Flow) -> None:
        """See Runnable."""
        flow.results = [flow.results[self._index]]


class Keep:
    """Audits and shadows: every answer is kept and shown anyway."""

    def run(self, flow: Flow) -> None:
        """See Runnable."""
