"""A figure, its yardstick and its target, and the table of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """`ratio` is what the claim is about: times are divided by the yardstick, rates too.

    `unit` is ms, 1/s, s, MiB or %; `target` is in words, `met` whether this run reached it.
    """

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    yardstick: str = ""
    yardstick_value: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.yardstick_value if self.yardstick_value else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def show(figures: Sequence[Figure]) -> None:
    """A table for people: a claim that was not reached says so."""
    print(f"{'figure':60} {'value':>10} {'':7} {'target':26} {'':11} {'ratio':>6}  yardstick")
    for one in figures:
        mark = {True: "reached", False: "NOT reached", None: ""}[one.met]
        ratio = f"{one.ratio:6.2f}" if one.ratio is not None else " " * 6
        beside = f"{one.yardstick} {one.yardstick_value:,.4g}" if one.yardstick_value else "-"
        value = f"{one.value:10,.4g}" if one.value < 1e4 else f"{one.value:10,.0f}"
        print(f"{one.name:60} {value} {one.unit:7} {one.target:26} {mark:11} {ratio}  {beside}")


def as_json(figures: Sequence[Figure]) -> str:
    return json.dumps([{**asdict(one), "ratio": one.ratio} for one in figures], indent=1)
