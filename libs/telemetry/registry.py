"""Numbers that a service keeps of itself: cheap to keep, read when somebody asks.

This is plain Python on purpose. Every run is counted, and the Prometheus library takes 3 MiB a
process: prometheus.py loads it at the first scrape, to write what is kept here.
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import ApiError

logger = logging.getLogger(__name__)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SOURCE_TIMEOUT_SECONDS = 2.0


class Counter:
    """Only ever grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Counts `amount` more, which is not negative."""
        self.value += amount


class Histogram:
    """How many values fell between which bounds; the last count is of those above all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Counts a value, in the base unit of the metric's name."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


Metric = TypeVar("Metric", Counter, Histogram)


class Family(Generic[Metric]):
    """A metric for each combination of label values, made when it is first needed.

    Labels have few values, known beforehand: never an id, nor what a caller made up.
    """

    def __init__(self, kind: type[Metric], name: str, help: str, labels: tuple[str, ...]) -> None:
        self._kind: type[Metric] = kind
        self.name, self.help, self.labels = name, help, labels
        self.series: dict[tuple[str, ...], Metric] = {}
        if not labels:
            self.of()

    def of(self, *values: str) -> Metric:
        """The metric with these label values, in the order of the labels."""
        metric = self.series.get(values)
        if metric is None:
            metric = self.series[values] = self._kind()
        return metric


class Reading(msgspec.Struct, frozen=True):
    """What a gauge shows now."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = {}


Source = Callable[[], Awaitable[Iterable[Reading]]]


class MetricRegistry:
    """All metrics of one process."""

    def __init__(self) -> None:
        self.counters: list[Family[Counter]] = []
        self.histograms: list[Family[Histogram]] = []
        self._sources: list[Source] = []

    def counter(self, name: str, help: str, *labels: str) -> Family[Counter]:
        """A new family of counters; Prometheus adds `_total` to the name."""
        family = Family(Counter, name, help, labels)
        self.counters.append(family)
        return family

    def histogram(self, name: str, help: str, *labels: str) -> Family[Histogram]:
        """A new family of histograms with the bounds SECONDS."""
        family = Family(Histogram, name, help, labels)
        self.histograms.append(family)
        return family

    def source(self, read: Source) -> None:
        """`read` gives the readings of some gauges at each scrape; it may ask a server."""
        self._sources.append(read)

    async def readings(self) -> list[Reading]:
        """Of all gauges; those of a source that can't answer now are left out."""
        found = await asyncio.gather(*(_read(source) for source in self._sources))
        return [reading for some in found for reading in some]


async def _read(source: Source) -> Iterable[Reading]:
    try:
        async with asyncio.timeout(_SOURCE_TIMEOUT_SECONDS):
            return await source()
    except (Unavailable, ApiError, TimeoutError) as problem:
        logger.warning("some metrics are left out: %s", problem or "no answer in time")
        return []
