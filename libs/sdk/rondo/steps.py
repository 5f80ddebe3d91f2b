"""The steps of a pipeline: written here, run by the platform. Nothing here sends a request."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from rondo.inference_records import ModelVersionRecord
from rondo.validation import check_step

Step = dict[str, Any]
Self = TypeVar("Self", bound="StepList")


class StepList:
    """Steps in the order in which they run. Each call changes them here only, and returns itself.

    Where a call takes models, they are versions: what `upload_model` and `get_model` return.
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def steps(self) -> list[Step]:
        """The steps that were added here, each an object with one key: its kind."""
        return list(self._steps)

    def clear(self: Self) -> Self:
        """Remove all steps."""
        self._steps.clear()
        return self

    def remove_step(self: Self, index: int) -> Self:
        """Remove the step at that place, counted from 0. Raises IndexError when there is none."""
        del self._steps[index]
        return self

    def add_model_step(self: Self, model_version: ModelVersionRecord) -> Self:
        """Run a model: on the input, or on the output of the step before."""
        return self._add(_models([model_version]))

    def add_multi_model_step(self: Self, models: Iterable[ModelVersionRecord]) -> Self:
        """Run several models on the same input; `add_select` chooses one answer."""
        return self._add(_models(models))

    def add_shadow_deploy(
        self: Self, champion: ModelVersionRecord, challengers: Iterable[ModelVersionRecord]
    ) -> Self:
        """Run all of them: the champion answers, the others show beside it what they would have.

        A challenger's output is the column `out_<name of the model>.<output>`.
        """
        return self._add(*_shadow(champion, challengers))

    def add_random_split(
        self: Self,
        weighted: Iterable[tuple[float, ModelVersionRecord]],
        hash_key: str | None = None,
    ) -> Self:
        """Run one of the models, as often as its weight says: 1 and 2 are a third and the rest.

        With the column `hash_key` in the input, its value decides instead of chance, so that equal
        values get the same model.
        """
        return self._add(_random_split(weighted, hash_key))

    def add_key_split(
        self: Self,
        default: ModelVersionRecord,
        meta_key: str,
        options: Mapping[str, ModelVersionRecord],
    ) -> Self:
        """Run the model that `options` names for the value of the column `meta_key`.

        For any other value the default one runs.
        """
        return self._add(_key_split(default, meta_key, options))

    def add_select(self: Self, index: int) -> Self:
        """Take the answer of one of the models of the step before, counted from 0."""
        return self._add({"Nth": {"index": index}})

    def add_audit(self: Self, slice: str) -> Self:
        """Say which results are kept, as `start:end`. The platform keeps all of them anyway."""
        return self._add(_audit(slice))

    def add_validations(self: Self, **validations: Any) -> Self:
        """Look for anomalies: each condition becomes the column `anomaly.<its name>` of the answer.

        `anomaly.count` is how many of them are true for a row. Conditions are made of `column`, as
        in `add_validations(too_high=column("out.price")[0] > 1e6)`, or are expressions of polars
        0.18.
        """
        return self._add(check_step(validations))

    def replace_with_model_step(self: Self, index: int, model_version: ModelVersionRecord) -> Self:
        """Run this model in place of the step there. `index` counts from 0."""
        return self._replace(index, _models([model_version]))

    def replace_with_multi_model_step(
        self: Self, index: int, models: Iterable[ModelVersionRecord]
    ) -> Self:
        """As `add_multi_model_step`, in place of the step there."""
        return self._replace(index, _models(models))

    def replace_with_shadow_deploy(
        self: Self,
        index: int,
        champion: ModelVersionRecord,
        challengers: Iterable[ModelVersionRecord],
    ) -> Self:
        """As `add_shadow_deploy`, in place of the one step there."""
        return self._replace(index, *_shadow(champion, challengers))

    def replace_with_random_split(
        self: Self,
        index: int,
        weighted: Iterable[tuple[float, ModelVersionRecord]],
        hash_key: str | None = None,
    ) -> Self:
        """As `add_random_split`, in place of the step there."""
        return self._replace(index, _random_split(weighted, hash_key))

    def replace_with_key_split(
        self: Self,
        index: int,
        default: ModelVersionRecord,
        meta_key: str,
        options: Mapping[str, ModelVersionRecord],
    ) -> Self:
        """As `add_key_split`, in place of the step there."""
        return self._replace(index, _key_split(default, meta_key, options))

    def replace_with_select(self: Self, step_index: int, select_index: int) -> Self:
        """As `add_select`, in place of the step at `step_index`."""
        return self._replace(step_index, {"Nth": {"index": select_index}})

    def replace_with_audit(self: Self, index: int, audit_slice: str) -> Self:
        """As `add_audit`, in place of the step there."""
        return self._replace(index, _audit(audit_slice))

    def replace_with_validations(self: Self, index: int, **validations: Any) -> Self:
        """As `add_validations`, in place of the step there."""
        return self._replace(index, check_step(validations))

    def _add(self: Self, *steps: Step) -> Self:
        self._steps += steps
        return self

    def _replace(self: Self, index: int, *steps: Step) -> Self:
        if not 0 <= index < len(self._steps):
            raise IndexError(f"index: there is no step {index}; there are {len(self._steps)}")
        self._steps[index : index + 1] = steps
        return self


def _models(models: Iterable[ModelVersionRecord]) -> Step:
    return {"ModelInference": {"models": [model.reference() for model in models]}}


def _shadow(
    champion: ModelVersionRecord, challengers: Iterable[ModelVersionRecord]
) -> tuple[Step, ...]:
    return _models([champion, *challengers]), _audit("1:"), {"MultiOut": {}}


def _random_split(
    weighted: Iterable[tuple[float, ModelVersionRecord]], hash_key: str | None
) -> Step:
    weights = [{"model": model.reference(), "weight": weight} for weight, model in weighted]
    return {"RandomSplit": {"hash_key": hash_key, "weights": weights}}


def _key_split(
    default: ModelVersionRecord, meta_key: str, options: Mapping[str, ModelVersionRecord]
) -> Step:
    routes = {value: model.reference() for value, model in options.items()}
    body = {"split_key": meta_key, "control": default.reference(), "routes": routes}
    return {"MetaValueSplit": body}


def _audit(slice: str) -> Step:
    start, _, end = slice.partition(":")
    return {"AuditResults": {"from": int(start or 0), "to": int(end) if end else None}}
