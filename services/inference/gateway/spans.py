"""One inference as spans, where somebody traces: the request, its time in the queue, the run on a
replica (again, if that ended), and the writing of its record."""

from contextlib import AbstractContextManager

from libs.telemetry.tracing import Span, Tracing


class RequestSpans:
    """Of one request; `parent` is the traceparent that it came with, if it did."""

    def __init__(self, tracing: Tracing, pipeline: str, parent: str) -> None:
        self._tracing = tracing
        with tracing.span("infer", "server", parent, {"pipeline": pipeline}, stay=True) as span:
            self._request = span
        self._phase: Span | None = None
        self.queued()

    def queued(self) -> None:
        """It waits, or waits again."""
        self._begin("queue")

    def started(self) -> None:
        """A replica has it."""
        self._begin("run")

    def log(self) -> AbstractContextManager[Span]:
        """Around the writing of the record."""
        self._end()
        return self._tracing.span("log", "internal", self._request.traceparent, {})

    def ended(self, code: int) -> None:
        """It was answered so, or given up."""
        self._end()
        self._request.set(code=code)
        self._request.end()

    def _begin(self, name: str) -> None:
        self._end()
        parent = self._request.traceparent
        with self._tracing.span(name, "internal", parent, {}, stay=True) as span:
            self._phase = span

    def _end(self) -> None:
        if self._phase is not None:
            self._phase.end()
            self._phase = None
