"""Numbers that a service keeps of itself: cheap to keep, read when somebody asks.

Plain Python on purpose. Counting stands on the road of every run, and the Prometheus library takes
3 MiB a process: it is loaded at the first scrape (metrics.py), to say what is kept here.
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
_SOURCE_TIMEOUT = 2.0


class Counter:
    """Only ever grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        self.value += amount


class Histogram:
    """How many values fell between which bounds; the last count is of those above all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


Meter = TypeVar("Meter", Counter, Histogram)


class Family(Generic[Meter]):
    """A meter for each combination of label values, made when it is first needed.

    Labels have few values, known beforehand: never an id, nor what a caller made up.
    """

    def __init__(self, kind: type[Meter], name: str, help: str, labels: tuple[str, ...]) -> None:
        self._kind: type[Meter] = kind
        self.name, self.help, self.labels = name, help, labels
        self.meters: dict[tuple[str, ...], Meter] = {}
        if not labels:
            self.of()

    def of(self, *values: str) -> Meter:
        found = self.meters.get(values)
        if found is None:
            found = self.meters[values] = self._kind()
        return found


class Reading(msgspec.Struct, frozen=True):
    """What a gauge shows now."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = {}


Source = Callable[[], Awaitable[Iterable[Reading]]]


class Meters:
    """All of one process."""

    def __init__(self) -> None:
        self.counters: list[Family[Counter]] = []
        self.histograms: list[Family[Histogram]] = []
        self._sources: list[Source] = []

    def counter(self, name: str, help: str, *labels: str) -> Family[Counter]:
        family = Family(Counter, name, help, labels)
        self.counters.append(family)
        return family

    def histogram(self, name: str, help: str, *labels: str) -> Family[Histogram]:
        family = Family(Histogram, name, help, labels)
        self.histograms.append(family)
        return family

    def source(self, read: Source) -> None:
        """`read` gives the readings of some gauges; it may ask a server."""
        self._sources.append(read)

    async def readings(self) -> list[Reading]:
        """Of all gauges; those of a source that can't answer now are left out."""
        found = await asyncio.gather(*(_read(source) for source in self._sources))
        return [reading for some in found for reading in some]


async def _read(source: Source) -> Iterable[Reading]:
    try:
        async with asyncio.timeout(_SOURCE_TIMEOUT):
            return await source()
    except (Unavailable, ApiError, TimeoutError) as problem:
        logger.warning("some metrics are left out: %s", problem or "no answer in time")
        return []
