"""A reaction with metrics of how busy and how quick it is, and with traces and log lines."""

import asyncio
import time
from collections.abc import Awaitable

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.envelope import Recorded
from libs.eventlog.react import Reaction
from libs.telemetry import log_format
from libs.telemetry.registry import MetricRegistry, Reading
from libs.telemetry.status import ReactionSlots
from libs.telemetry.tracing import Span, Tracing


class ReactionMetrics:
    """The metrics of all reactions of a process."""

    def __init__(self, metrics: MetricRegistry) -> None:
        self._outcomes = metrics.counter(
            "rondo_reaction_outcomes",
            "Events that a reaction has had: done, to be tried again since something is away, or"
            " failed.",
            "reaction",
            "outcome",
        )
        self._seconds = metrics.histogram(
            "rondo_reaction_duration_seconds", "Time until an event was dealt with.", "reaction"
        )

    def record(self, reaction: str, outcome: str, seconds: float) -> None:
        self._outcomes.of(reaction, outcome).add()
        self._seconds.of(reaction).observe(seconds)


class InstrumentedReaction:
    """Counts, times and traces what `reaction` handles."""

    def __init__(self, reaction: Reaction, metrics: ReactionMetrics, tracing: Tracing) -> None:
        self._reaction = reaction
        self._metrics = metrics
        self._tracing = tracing
        self._used = 0

    @property
    def reaction(self) -> Reaction:
        """What to run instead of it."""
        return msgspec.structs.replace(self._reaction, handle=self._handle)

    @property
    def slots(self) -> ReactionSlots:
        return ReactionSlots(self._reaction.name, self._reaction.concurrency, self._used)

    def readings(self) -> list[Reading]:
        slots = self.slots
        labels = {"reaction": slots.reaction}
        return [
            Reading("rondo_reaction_places", "Events at a time.", slots.total, labels),
            Reading("rondo_reaction_places_used", "Events in work now.", slots.used, labels),
        ]

    async def _handle(self, fact: Recorded) -> Awaitable[None] | None:
        kind, stream = type(fact.event).__name__, fact.stream
        about = {"event": kind, stream.aggregate: stream.id}
        name = f"{self._reaction.name} {kind}"
        task = str(getattr(fact.event, "task", ""))
        ids = {
            "task_id": task,
            f"{stream.aggregate}_id": stream.id,
            "request_id": fact.correlation,
        }
        with (
            self._tracing.span(name, "consumer", fact.traceparent, about, stay=True) as span,
            log_format.log_context(**ids, trace_id=span.trace_id),
        ):
            return await self._in_span(fact, span)

    async def _in_span(self, fact: Recorded, span: Span) -> Awaitable[None] | None:
        """What goes on after the handler keeps its slot, and is part of the span."""
        began, outcome, remainder = time.perf_counter(), "failed", None
        self._used += 1
        try:
            remainder = await self._reaction.handle(fact)
            outcome = "done"
        except Unavailable:
            outcome = "waits"
            raise
        finally:
            self._metrics.record(self._reaction.name, outcome, time.perf_counter() - began)
            if remainder is None:
                self._over(span)
        if remainder is None:
            return None
        going_on = asyncio.ensure_future(remainder)
        going_on.add_done_callback(lambda _: self._over(span))
        return going_on

    def _over(self, span: Span) -> None:
        self._used -= 1
        span.end()
