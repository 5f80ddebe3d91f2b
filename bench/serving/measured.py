"""What the rounds gave, by server, and the figures that come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.figure import Figure, percentile
from bench.serving.client import Pass
from bench.serving.forest import COUNT


@dataclass
class Measured:
    """Of one server: passes of one caller, of sixteen, and those with 1,000 rows by the number of
    callers. Rates are those of the best round, times are in ms."""

    one: Pass = field(default_factory=Pass)
    many: list[Pass] = field(default_factory=list)
    rows: dict[int, list[Pass]] = field(default_factory=dict)

    @property
    def p50(self) -> float:
        return percentile(self.one.waits, 0.5) * 1e3

    @property
    def least(self) -> float:
        return min(self.one.waits) * 1e3

    @property
    def cpu(self) -> float:
        return self.one.cpu / len(self.one.waits) * 1e3

    @property
    def rate(self) -> float:
        return max(each.rate for each in self.many)

    @property
    def many_cpu(self) -> float:
        return cpu_of(self.many)

    @property
    def rows_rate(self) -> float:
        return max(map(self.rows_rate_of, self.rows))

    def rows_rate_of(self, callers: int) -> float:
        return COUNT * max(each.rate for each in self.rows[callers])

    @property
    def rows_cpu(self) -> float:
        return cpu_of([each for passes in self.rows.values() for each in passes])


def cpu_of(passes: list[Pass]) -> float:
    """Of one request, in ms."""
    return sum(each.cpu for each in passes) / sum(len(each.waits) for each in passes) * 1e3


Value = Callable[[Measured], float]


@dataclass(frozen=True)
class Field:
    """Ours beside the others, by name: `plain` is one of them, `peers` are the rest."""

    ours: Measured
    plain: tuple[str, Measured]
    peers: Mapping[str, Measured]

    def times(self, name: str, value: Value) -> list[Figure]:
        """What is to be small: at most 0.6 of the best peer's, 3 times the plainest server's."""
        figures = []
        mine, best = value(self.ours), min(map(value, self.peers.values()))
        for whose, peer in self.peers.items():
            other = value(peer)
            target, met = ("<= 0.6 of it", mine <= 0.6 * other) if other == best else ("", None)
            figures.append(Figure(name, mine, "ms", target, met, whose, other))
        whose, plain = self.plain[0], value(self.plain[1])
        return [*figures, Figure(name, mine, "ms", "<= 3 of it", mine <= 3 * plain, whose, plain)]

    def rates(self, name: str, value: Value, least: float) -> list[Figure]:
        """What is to be large: at least so many times the best peer's."""
        mine, best = value(self.ours), max(self.peers, key=lambda each: value(self.peers[each]))
        other, plain = value(self.peers[best]), value(self.plain[1])
        return [
            Figure(name, mine, "1/s", f">= {least} of it", mine >= least * other, best, other),
            Figure(name, mine, "1/s", "", None, self.plain[0], plain),
        ]

    def beside_plain(self, name: str, value: Value) -> Figure:
        mine, plain = value(self.ours), value(self.plain[1])
        return Figure(name, mine, "ms", "", None, self.plain[0], plain)
