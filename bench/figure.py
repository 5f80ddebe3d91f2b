"""A figure, its yardstick and its target, and the table of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """`ratio` is what the claim is about: times are divided by the yardstick, rates too.

    `unit` is ms, 1/s, s or MiB; `target` is in words, `met` whether this run reached it.
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
    """A table for people, then one line of JSON."""
    print(f"{'figure':58} {'value':>10} {'':5} {'ratio':>7}  yardstick; target")
    for one in figures:
        ratio = f"{one.ratio:7.2f}" if one.ratio is not None else " " * 7
        mark = {True: "reached", False: "NOT reached", None: ""}[one.met]
        beside = f"{one.yardstick} {one.yardstick_value:.4g}" if one.yardstick_value else "-"
        target = f"; {one.target} {mark}" if one.target else ""
        print(f"{one.name:58} {one.value:10.4g} {one.unit:5} {ratio}  {beside}{target}")
    print(json.dumps([{**asdict(one), "ratio": one.ratio} for one in figures]))
