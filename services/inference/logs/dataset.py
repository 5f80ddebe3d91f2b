"""Which columns a reader wants, by names with dots."""

from collections.abc import Iterable, Sequence

_ALL = ("time", "in", "out", "anomaly", "metadata")  # of `*`; and challengers' out_<model>


def selected(names: Iterable[str], dataset: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """In their order. A name selects itself and what is below it; `time` is always there."""
    names_above = {"time", *dataset, *(_ALL if "*" in dataset else ())}
    return [
        name
        for name in names
        if name == "time"
        or (
            (_is_below(name, names_above) or ("*" in dataset and name.startswith("out_")))
            and not _is_below(name, exclude)
        )
    ]


def _is_below(name: str, above: Iterable[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in above)
