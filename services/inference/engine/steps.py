"""The steps of a pipeline, ready to run."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from libs.domain.pipeline_steps import ModelInference, ModelRef, Nth, Step, parse_steps
from services.inference.engine.flow import Flow
from services.inference.engine.model import Model


class Runnable(Protocol):
    """A step with its models."""

    def run(self, flow: Flow) -> None:
        """Takes the flow one step on. Refused, or Cancelled."""
        ...


def compile_steps(
    steps: Sequence[Mapping[str, Any]], models: Mapping[str, Model]
) -> list[Runnable]:
    """`models` are by the text of their versions. Rejected as parse_steps says, and KeyError for a
    model that is not among them."""
    return [_compile(step, models) for step in parse_steps(steps)]


def _compile(step: Step, models: Mapping[str, Model]) -> Runnable:
    match step:
        case ModelInference(models=refs):
            return RunModels([_model(ref, models) for ref in refs])
        case Nth(index=index):
            return Select(index)
        case _:
            return Keep()


def _model(ref: ModelRef, models: Mapping[str, Model]) -> Model:
    return models[ref.version]


class RunModels:
    """Each on the same input."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = models

    def run(self, flow: Flow) -> None:
        """See Runnable."""
        columns = flow.inputs
        flow.tables = [
            (model, model.run(model.feeds(columns), flow.rows, flow.cancel))
            for model in self._models
        ]


class Select:
    """One of the models of the step before."""

    def __init__(self, index: int) -> None:
        self._index = index

    def run(self, flow: Flow) -> None:
        """See Runnable."""
        flow.tables = [flow.tables[self._index]]


class Keep:
    """Audits and shadows: every answer is kept and shown anyway."""

    def run(self, flow: Flow) -> None:
        """See Runnable."""
