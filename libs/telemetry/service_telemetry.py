"""What every service shows of itself: metrics, traces, and its status for the platform page.

async with open_telemetry("scheduler", environ, nats) as telemetry:
    log = telemetry.log()                                  # its appends are counted and traced
    reaction = telemetry.reaction(reaction)                # slots, durations, outcomes, spans
    telemetry.projection("due", runner.position, ...)      # lag
    telemetry.add_to(app)                                  # requests, /metrics
    tasks.create_task(telemetry.publish())                 # status
"""

import asyncio
import contextlib
import platform
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec
from aiohttp import web

from libs.domain import zones
from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import ApiError, Nats
from libs.eventlog.project import Position
from libs.eventlog.react import Reaction
from libs.postgres.pool import Database
from libs.telemetry import lag, sd_notify, status
from libs.telemetry.http_requests import RequestMetrics
from libs.telemetry.instrumented_log import AppendMetrics, InstrumentedLog
from libs.telemetry.instrumented_reaction import InstrumentedReaction, ReactionMetrics
from libs.telemetry.prometheus import METRICS_TYPE, exposition
from libs.telemetry.registry import MetricRegistry, Reading
from libs.telemetry.status import Status
from libs.telemetry.tracing import Tracing, open_tracing

ExtendStatus = Callable[[Status], Status]

_WATCH_SECONDS, _INFO_TIMEOUT_SECONDS = 1.0, 1.0  # seconds


class ServiceTelemetry:
    """Of one copy of a service; `extend_status` adds to the status what only this service knows."""

    def __init__(
        self,
        service: str,
        instance: str,
        nats: Nats,
        tracing: Tracing,
        environ: Mapping[str, str],
    ) -> None:
        self.metrics = MetricRegistry()
        self._environ = environ
        self._nats = nats
        self.tracing = self._tracing = tracing
        self._appends = AppendMetrics(self.metrics)
        self._reacting = ReactionMetrics(self.metrics)
        self._requests = RequestMetrics(self.metrics, tracing)
        self._reactions: list[InstrumentedReaction] = []
        self._lags: list[lag.Lag] = []
        self.extend_status: ExtendStatus = lambda status: status
        self._base = Status(
            service=service,
            instance=instance,
            version=version("rondo"),
            started_at=datetime.now(UTC),
            tzdata=zones.VERSION,
        )
        self.metrics.source(self._about)

    def log(self) -> InstrumentedLog:
        """An event log whose appends are counted, timed and traced."""
        return InstrumentedLog(self._nats, self._appends, self._tracing)

    def reaction(self, reaction: Reaction) -> Reaction:
        """The same with metrics, spans and log lines: run this one instead."""
        instrumented = InstrumentedReaction(reaction, self._reacting, self._tracing)
        self._reactions.append(instrumented)
        self.metrics.source(lambda: lag.of_reaction(self._nats, reaction.name))
        return instrumented.reaction

    def projection(
        self, name: str, position: Position, stream: str, subjects: Sequence[str] = (">",)
    ) -> None:
        """Shows how far the rows at `position` are behind what `stream` has on `subjects`."""
        behind = lag.Lag(name, stream, subjects, position)
        self._lags.append(behind)
        self.metrics.source(lambda: behind.readings(self._nats))

    def pool(self, database: Database) -> None:
        """Shows how many of its connections are in use."""

        async def read() -> list[Reading]:
            usage = database.usage()
            name, help = "rondo_postgres_connections", "Connections of a pool."
            return [
                Reading(name, help, count, {"pool": database.schema, "state": state})
                for state, count in usage.items()
            ]

        self.metrics.source(read)

    def add_to(self, app: web.Application, *, scraped: bool = True) -> None:
        """Counts the requests of `app`, and serves /metrics there unless told not to."""
        app.middlewares.insert(0, self._requests.middleware)
        if scraped:
            app.router.add_get("/metrics", self.scrape)

    async def scrape(self, _: web.Request) -> web.Response:
        """All metrics of the process, for Prometheus."""
        return web.Response(
            body=await exposition(self.metrics),
            headers={"Content-Type": METRICS_TYPE},
        )

    async def publish(self) -> None:
        """For ever: publishes the status, and tells the supervisor when NATS stores nothing."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(status.publish(self._nats, self._status))
            tasks.create_task(self._report_failing_appends())

    async def _report_failing_appends(self) -> None:
        """Of a server that does answer: one that is away or overloaded is another matter."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            seconds = self._nats.appends.failing_seconds()
            if seconds is not None:
                with contextlib.suppress(Unavailable, ApiError):
                    await self._nats.api("INFO", timeout=_INFO_TIMEOUT_SECONDS)
                    sd_notify.notify(f"X_APPENDS_FAIL={seconds:.1f}", self._environ)

    async def _status(self) -> Status:
        now = msgspec.structs.replace(
            self._base,
            reactions=[reaction.slots for reaction in self._reactions],
            projections=[await behind.measure(self._nats) for behind in self._lags],
        )
        return self.extend_status(now)

    async def _about(self) -> list[Reading]:
        labels = {"service": self._base.service, "version": self._base.version}
        connected = float(self._nats.connected)
        return [
            Reading("rondo_build_info", "Which service in which version this is.", 1.0, labels),
            Reading("rondo_nats_connected", "Whether NATS is connected.", connected),
            *(one for reaction in self._reactions for one in reaction.readings()),
        ]


@asynccontextmanager
async def open_telemetry(
    service: str, environ: Mapping[str, str], nats: Nats, instance: str = ""
) -> AsyncIterator[ServiceTelemetry]:
    """Opened for as long as the block lasts. Without an `instance` a unique name is made up."""
    instance = instance or unique_name()
    tracing = open_tracing(service, instance, environ)
    try:
        yield ServiceTelemetry(service, instance, nats, tracing, environ)
    finally:
        tracing.close()


def unique_name() -> str:
    """A name for this process: the machine's name and a random number."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())
    return f"{host}-{secrets.token_hex(4)}"
