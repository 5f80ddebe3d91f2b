"""Which columns an answer has, and in which order."""

from collections.abc import Iterable, Sequence

from services.inference.engine.outputs import Output
from services.inference.engine.request import Request


def layout(
    request: Request, inputs: Sequence[str], outputs: Sequence[Output], metadata: Iterable[str]
) -> list[tuple[str, str]]:
    """By group and name; the group of `time` is "". Time first, then what came in, what the models
    said, anomalies and metadata; those that the request does not want are left out."""
    columns = [
        ("", "time"),
        *(("in", name) for name in inputs),
        *((each.group, each.name) for each in outputs),
        *(("metadata", name) for name in metadata),
    ]
    dataset, exclude = request.dataset, request.exclude
    if not exclude and (not dataset or "*" in dataset):
        return columns
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
