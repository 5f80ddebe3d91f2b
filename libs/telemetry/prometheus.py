"""The text that Prometheus scrapes. Only this file imports its library, at the first scrape.

Names follow its conventions: base units, `_total` for counters. Every metric of ours begins with
`rondo_`; those of the process (`process_`, `python_`) are the library's own.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from typing import Any

from libs.telemetry.registry import Counter, Family, Histogram, MetricRegistry, Reading

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def exposition(metrics: MetricRegistry) -> bytes:
    """All metrics of this process in the Prometheus text format."""
    import prometheus_client.core as prometheus  # see above
    from prometheus_client import exposition as text

    registry = prometheus.CollectorRegistry()
    registry.register(_Collected([*_families(prometheus, metrics, await metrics.readings())]))
    return text.generate_latest(registry) + _of_the_process()


class _Collected:
    """A collector (see prometheus_client) of families that are made already."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


def _of_the_process() -> bytes:
    from prometheus_client import exposition as text

    return text.generate_latest(_process_registry())


@cache
def _process_registry() -> Any:
    import prometheus_client as prometheus

    registry = prometheus.CollectorRegistry()
    prometheus.ProcessCollector(registry=registry)
    prometheus.PlatformCollector(registry=registry)
    return registry


def _families(
    prometheus: Any, metrics: MetricRegistry, readings: Iterable[Reading]
) -> Iterator[Any]:
    for counters in metrics.counters:
        yield _counter(prometheus, counters)
    for histograms in metrics.histograms:
        yield _histogram(prometheus, histograms)
    yield from _gauges(prometheus, readings)


def _counter(prometheus: Any, family: Family[Counter]) -> Any:
    shown = prometheus.CounterMetricFamily(family.name, family.help, labels=family.labels)
    for values, counter in list(family.series.items()):
        shown.add_metric(values, counter.value)
    return shown


def _histogram(prometheus: Any, family: Family[Histogram]) -> Any:
    shown = prometheus.HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for values, histogram in list(family.series.items()):
        bounds = [*(format(float(bound)) for bound in histogram.bounds), "+Inf"]
        below = [float(count) for count in accumulate(histogram.counts)]
        buckets = list(zip(bounds, below, strict=True))
        shown.add_metric(values, buckets, sum_value=histogram.total)
    return shown


def _gauges(prometheus: Any, readings: Iterable[Reading]) -> Iterator[Any]:
    shown: dict[str, Any] = {}
    for one in readings:
        names = tuple(one.labels)
        if one.name not in shown:
            shown[one.name] = prometheus.GaugeMetricFamily(one.name, one.help, labels=names)
        shown[one.name].add_metric(tuple(one.labels.values()), one.value)
    yield from shown.values()
