"""Steps that give each request, or each row, to one of several models."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import numpy as np
import orjson

from libs.domain.values import TensorSpec
from services.inference.engine.errors import Refused
from services.inference.engine.flow import Flow, Result
from services.inference.engine.model import Model
from services.inference.engine.tensors import DTYPES, Array, Table

# For each row, the place of its model.
Choice = Callable[[Flow], list[int]]


class Split:
    """`choose` says which of `models` a row is given to. Where models have different outputs, a row
    has those of its model."""

    def __init__(self, models: Sequence[Model], choose: Choice) -> None:
        self._models = models
        self._choose = choose

    def run(self, flow: Flow) -> None:
        """See Runnable."""
        places = self._choose(flow)
        flow.split = [self._models[place].split_text for place in places]
        columns = flow.inputs
        if len(set(places)) <= 1:
            model = self._models[places[0] if places else 0]
            table = model.run(model.feeds(columns), flow.rows, flow.cancel)
            flow.results = [Result(model, model.outputs, table, {})]
            return
        parts = []
        for place in sorted(set(places)):
            model = self._models[place]
            at = np.flatnonzero(np.array(places) == place)
            feeds = {name: each[at] for name, each in model.feeds(columns).items()}
            parts.append((model, at, model.run(feeds, len(at), flow.cancel)))
        flow.results = [_merged(parts, self._models[places[0]], flow.rows)]


def by_weight(weights: Sequence[float], key: str | None) -> Choice:
    """By the request's random number; by the value of column `key` where it is there, so that one
    value stays with one model."""
    shares = list(accumulate(weight / sum(weights) for weight in weights))

    def choose(flow: Flow) -> list[int]:
        if key is None or key not in flow.columns.names:
            return [_place(shares, flow.request.random)] * flow.rows
        return [_place(shares, _fraction(value)) for value in flow.columns.values(key)]

    return choose


def by_value(key: str, routes: Sequence[str]) -> Choice:
    """By the text of column `key`: 0 is the control, then the routes."""
    places = {text: place for place, text in enumerate(routes, 1)}

    def choose(flow: Flow) -> list[int]:
        if key not in flow.columns.names:
            return [0] * flow.rows
        return [places.get(_text(value), 0) for value in flow.columns.values(key)]

    return choose


def _place(shares: Sequence[float], fraction: float) -> int:
    return min(bisect_right(shares, fraction), len(shares) - 1)


def _fraction(value: Any) -> float:
    """Of [0, 1), the same for the same value on every machine."""
    digest = blake2b(_text(value).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


def _text(value: Any) -> str:
    """Its JSON, if it is no text itself. Refused(400) if it is too deep for that."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError as error:
        raise Refused(400, f"the column of a split can't be compared: {error}") from error


def _merged(parts: Sequence[tuple[Model, Array, Table]], first: Model, rows: int) -> Result:
    table: Table = {}
    specs: dict[str, TensorSpec] = {}
    absent: dict[str, Array] = {}
    for model, at, part in parts:
        for spec in model.outputs:
            values = part[spec.name]
            if spec.name not in table:
                table[spec.name] = _blank((rows, *values.shape[1:]), spec)
                specs[spec.name] = spec
                absent[spec.name] = np.ones(rows, np.bool_)
            into = table[spec.name]
            if into.shape[1:] != values.shape[1:] or specs[spec.name].dtype != spec.dtype:
                raise Refused(
                    400,
                    f"the models of this split answer {spec.name!r} in different shapes or types;"
                    " send rows for different models in different requests",
                )
            into[at] = values
            absent[spec.name][at] = False
    absent = {name: each for name, each in absent.items() if each.any()}
    return Result(first, list(specs.values()), table, absent)


def _blank(shape: tuple[int, ...], spec: TensorSpec) -> Array:
    return np.full(shape, "" if spec.dtype == "string" else 0, DTYPES[spec.dtype])
