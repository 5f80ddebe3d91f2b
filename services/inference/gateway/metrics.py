"""What a gateway counts. Those of other processes are added to ours, which is scraped."""

from collections.abc import Mapping

from libs.telemetry.registry import Histogram, MetricRegistry

_SECONDS, _WAITS = "seconds", "waits"

# Of a histogram, its counts and then its total; of answers by their code, how many.
Counts = dict[str, list[float]]


class GatewayMetrics:
    """Made once for a registry."""

    def __init__(self, metrics: MetricRegistry) -> None:
        self._histograms = {
            _SECONDS: metrics.histogram(
                "rondo_inference_duration_seconds", "Time from a request to its answer."
            ).of(),
            _WAITS: metrics.histogram(
                "rondo_inference_queue_seconds", "Time until a replica took a request."
            ).of(),
        }
        self._answers = metrics.counter(
            "rondo_inference_requests", "Inference requests by status.", "code"
        )

    def count(self, code: int, seconds: float, wait: float | None) -> None:
        """A request has ended; it waited so long, if a replica has taken it."""
        self._answers.of(str(code)).add()
        self._histograms[_SECONDS].observe(seconds)
        if wait is not None:
            self._histograms[_WAITS].observe(wait)

    def counts(self) -> Counts:
        """All so far."""
        histograms = {name: [*one.counts, one.total] for name, one in self._histograms.items()}
        answers = {code: [counter.value] for (code,), counter in self._answers.series.items()}
        return histograms | answers

    def add(self, before: Mapping[str, list[float]], after: Mapping[str, list[float]]) -> None:
        """What another gateway has counted between two of its `counts`."""
        for name, values in after.items():
            known = before.get(name, [0.0] * len(values))
            more = [new - old for new, old in zip(values, known, strict=True)]
            if name in self._histograms:
                _add(self._histograms[name], more)
            else:
                self._answers.of(name).add(more[0])


def _add(histogram: Histogram, more: list[float]) -> None:
    *counts, total = more
    histogram.counts = [have + int(new) for have, new in zip(histogram.counts, counts, strict=True)]
    histogram.total += total
