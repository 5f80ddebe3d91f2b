"""Traces by OpenTelemetry: the only file that imports it, and only where it is switched on.

Spans follow a run from service to service by the `traceparent` of its events (W3C Trace Context).
Configured by the standard variables OTEL_...; without an endpoint nothing is traced or loaded.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, Protocol

logger = logging.getLogger(__name__)

Kind = Literal["server", "producer", "consumer", "internal"]
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_TIMEOUT_SECONDS = 0.5  # seconds; a service gets little more than one to stop in


class Span(Protocol):
    """A step of a trace. `traceparent` and `trace_id` are empty where nobody traces."""

    @property
    def traceparent(self) -> str: ...

    @property
    def trace_id(self) -> str: ...

    def set(self, **attributes: str | int | float) -> None: ...

    def end(self) -> None:
        """Needed where `span` was told to `stay`."""


class Tracing(Protocol):
    on: bool

    def span(
        self, name: str, kind: Kind, parent: str, about: Mapping[str, str], *, stay: bool = False
    ) -> AbstractContextManager[Span]:
        """Spans begun in the block are its children; itself it is one of the span around it, else
        of the traceparent `parent`, if any. With `stay` the end of the block is not the span's."""

    def close(self) -> None:
        """Sends what is left."""


class _NoSpan:
    traceparent = trace_id = ""

    def set(self, **attributes: str | int | float) -> None:
        """Nobody listens."""

    def end(self) -> None:
        """It never began."""


class NoTracing:
    on = False
    _span = nullcontext(_NoSpan())

    def span(
        self, name: str, kind: Kind, parent: str, about: Mapping[str, str], *, stay: bool = False
    ) -> AbstractContextManager[Span]:
        return self._span

    def close(self) -> None:
        """There is nothing."""


class _OtelSpan:
    def __init__(self, span: Any) -> None:
        self._span = span
        context = span.get_span_context()
        flags = int(context.trace_flags)
        self.trace_id = f"{context.trace_id:032x}"
        self.traceparent = f"00-{self.trace_id}-{context.span_id:016x}-{flags:02x}"

    def set(self, **attributes: str | int | float) -> None:
        self._span.set_attributes({f"rondo.{name}": value for name, value in attributes.items()})

    def end(self) -> None:
        self._span.end()


class _Otel:
    on = True

    def __init__(self, service: str, instance: str) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        who = {"service.name": f"rondo-{service}", "service.instance.id": instance}
        self._provider = TracerProvider(resource=Resource.create(who), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("rondo")
        self._trace = trace
        self._extract = TraceContextTextMapPropagator().extract

    @contextmanager
    def span(
        self, name: str, kind: Kind, parent: str, about: Mapping[str, str], *, stay: bool = False
    ) -> Iterator[Span]:
        within = self._trace.get_current_span().get_span_context().is_valid
        context = None if within or not parent else self._extract({"traceparent": parent})
        span = self._tracer.start_span(
            name,
            context,
            self._trace.SpanKind[kind.upper()],
            {f"rondo.{key}": value for key, value in about.items()},
        )
        if kind == "producer":  # nothing happens within it, and those of a batch are no relations
            try:
                yield _OtelSpan(span)
            finally:
                span.end()
            return
        with self._trace.use_span(span, end_on_exit=not stay):
            yield _OtelSpan(span)

    def close(self) -> None:
        """A collector that is away must not hold up our end."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_FLUSH_TIMEOUT_SECONDS)


def open_tracing(service: str, instance: str, environ: Mapping[str, str]) -> Tracing:
    wanted = any(environ.get(name) for name in _ENDPOINTS)
    if (
        not wanted
        or environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    ):
        return NoTracing()
    logger.info("traces go to an OTLP collector")
    return _Otel(service, instance)
