"""What a service appends to the event log, as metrics and as spans.

An event is counted by the process that appended it and by no other, so the sum over all copies of
all services is the truth. Lateness and delays are between clocks of two machines where services
run on several.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import msgspec

from libs.domain.events import (
    Event,
    ModelVersionFailed,
    ModelVersionPackaged,
    OrchestrationFailed,
    OrchestrationReady,
    RunFinished,
    RunRequested,
    TaskCompleted,
    TaskFailed,
    TaskKilled,
)
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.telemetry.registry import MetricRegistry
from libs.telemetry.tracing import Tracing

PACKAGER = "packager"  # the source of its events


class AppendMetrics:
    def __init__(self, metrics: MetricRegistry) -> None:
        self._events = metrics.counter(
            "rondo_events_appended", "Events that this process has appended.", "type"
        )
        self._seconds = metrics.histogram(
            "rondo_append_duration_seconds", "Time from sending events to their being durable."
        ).of()
        self._late = metrics.histogram(
            "rondo_schedule_lateness_seconds", "Time from a run's due instant to its request."
        ).of()
        self._missed = metrics.counter(
            "rondo_schedule_missed_ticks", "Ticks that no run was asked for."
        ).of()
        self._finished = metrics.counter(
            "rondo_runs_finished", "Runs that have ended.", "status", "reason"
        )
        self._start = metrics.histogram(
            "rondo_run_start_seconds", "Time from a run's request to its first line of output."
        ).of()
        self._run = metrics.histogram(
            "rondo_run_duration_seconds", "Time from a run's claim to its end.", "status"
        )
        self._packaged = metrics.counter(
            "rondo_packaging_outcomes", "Orchestrations and models packaged, or not.", "outcome"
        )
        self._packaging = metrics.histogram(
            "rondo_packaging_duration_seconds", "Time that a step of packaging took.", "step"
        )

    def record(self, event: Event, context: Context, seconds: float) -> None:
        self._events.of(type(event).__name__).add()
        self._seconds.observe(seconds)
        match event:
            case RunRequested(scheduled_at=due, missed=missed):
                self._late.observe(_since(due))
                self._missed.add(missed)
            case (
                TaskKilled(missed=missed) | TaskFailed(missed=missed) | TaskCompleted(missed=missed)
            ):
                self._missed.add(missed)
            case RunFinished():
                self._ended(event, context)
            case OrchestrationReady(seconds=steps) | ModelVersionPackaged(seconds=steps):
                self._packaged.of("ready").add()
                for step, took in steps.items():
                    self._packaging.of(step).observe(took)
            case OrchestrationFailed():
                self._packaged.of("failed").add()
            case ModelVersionFailed() if context.source == PACKAGER:
                self._packaged.of("failed").add()

    def _ended(self, event: RunFinished, context: Context) -> None:
        self._finished.of(event.status, event.reason).add()
        logged, first = event.timing.get("logged"), event.timing.get("first_line")
        if logged is not None:
            self._run.of(event.status).observe(logged)
            if first is not None and context.since is not None:
                self._start.observe(_since(context.since) - (logged - first))


def _since(instant: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - instant).total_seconds())


class InstrumentedLog(EventLog):
    """The event log, whose appends are counted, timed and traced."""

    def __init__(self, nats: Nats, metrics: AppendMetrics, tracing: Tracing) -> None:
        super().__init__(nats)
        self._metrics = metrics
        self._tracing = tracing

    async def append(self, proposed: Proposed, context: Context, right_after: str = "") -> int:
        began = time.perf_counter()
        with ExitStack() as spans:
            traced = self._traced(spans, proposed, context)
            seq = await super().append(proposed, traced, right_after)
        self._metrics.record(proposed.event, context, time.perf_counter() - began)
        return seq

    async def append_batch(self, batch: Sequence[tuple[Proposed, Context]]) -> int:
        if len(batch) == 1:
            return await self.append(*batch[0])
        began = time.perf_counter()
        with ExitStack() as spans:
            traced = [(one, self._traced(spans, one, context)) for one, context in batch]
            seq = await super().append_batch(traced)
        took = time.perf_counter() - began
        for proposed, context in batch:
            self._metrics.record(proposed.event, context, took)
        return seq

    def _traced(self, spans: ExitStack, proposed: Proposed, context: Context) -> Context:
        if not self._tracing.on:
            return context
        kind, stream = type(proposed.event).__name__, proposed.stream
        about = {"event": kind, stream.aggregate: stream.id}
        span = self._tracing.span(f"append {kind}", "producer", context.traceparent, about)
        return msgspec.structs.replace(context, traceparent=spans.enter_context(span).traceparent)
