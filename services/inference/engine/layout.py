"""Which columns an answer has, and in which order."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from services.inference.engine.outputs import Output
from services.inference.engine.request import Request

# By group and name; the group of `time` is "".
Place = tuple[str, str]

_METADATA = ("last_model", "pipeline_version", "elapsed", "dropped", "partition")
_MAX_KNOWN_COLUMNS = 100


def layout(request: Request, inputs: Sequence[str], outputs: Iterable[Output]) -> Sequence[Place]:
    """Time first, then what came in, what the models said, anomalies and metadata; what the request
    does not want is left out."""
    # Requests to a pipeline are alike, and each name costs a microsecond.
    find = _layout if len(inputs) < _MAX_KNOWN_COLUMNS else _layout.__wrapped__
    return find(
        tuple(request.dataset),
        tuple(request.exclude),
        tuple(inputs),
        tuple([(each.group, each.name) for each in outputs]),
    )


@lru_cache(maxsize=256)
def _layout(
    dataset: Sequence[str], exclude: Sequence[str], inputs: Sequence[str], outputs: Sequence[Place]
) -> Sequence[Place]:
    columns = [
        ("", "time"),
        *(("in", name) for name in inputs),
        *outputs,
        *(("metadata", name) for name in _METADATA),
    ]
    return [
        (group, name)
        for group, name in columns
        if selects(dataset, exclude, f"{group}.{name}" if group else name)
    ]


def selects(dataset: Sequence[str], exclude: Sequence[str], column: str) -> bool:
    """A name stands for itself and all below it: `out` for `out.variable`, not for `out_b.x`. `*`
    stands for everything, as no name does. What is excluded is not there, whoever selects it."""
    wanted = not dataset or any(each == "*" or _covers(each, column) for each in dataset)
    return wanted and not any(each == "*" or _covers(each, column) for each in exclude)


def _covers(name: str, column: str) -> bool:
    return column == name or column.startswith(f"{name}.")
