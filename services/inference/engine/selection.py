"""Which columns of an answer are wanted, by their names with dots."""

from collections.abc import Sequence


def selects(dataset: Sequence[str], exclude: Sequence[str], column: str) -> bool:
    """A name stands for itself and all below it: `out` for `out.variable`, not for `out_b.x`. `*`
    stands for everything, as no name does. What is excluded is not there, whoever selects it."""
    wanted = not dataset or any(each == "*" or _covers(each, column) for each in dataset)
    return wanted and not any(each == "*" or _covers(each, column) for each in exclude)


def _covers(name: str, column: str) -> bool:
    return column == name or column.startswith(f"{name}.")
