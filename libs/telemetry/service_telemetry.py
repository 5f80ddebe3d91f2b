"""What every service shows of itself: metrics, traces, and its status for the platform page.

async with open_telemetry("scheduler", environ, nats) as vitals:
    log = vitals.log()                                  # its appends are counted and traced
    reaction = vitals.reaction(reaction)  # places, durations, outcomes, spans
    vitals.projection("due", runner.position, ...)      # lag
    vitals.add_to(app)                                  # requests, /metrics
    tasks.create_task(vitals.tell())                    # status
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
from libs.telemetry.http_requests import RequestMeters
from libs.telemetry.instrumented_log import AppendMeters, InstrumentedLog
from libs.telemetry.instrumented_reaction import InstrumentedReaction, ReactionMeters
from libs.telemetry.prometheus import METRICS_TYPE, exposition
from libs.telemetry.registry import Meters, Reading
from libs.telemetry.status import Status
from libs.telemetry.tracing import Tracing, open_tracing

More = Callable[[Status], Status]

_LOOK_EVERY, _QUICKLY = 1.0, 1.0  # seconds


class ServiceTelemetry:
    """Of one copy of a service; `more` adds to the status what only this service knows."""

    def __init__(
        self,
        service: str,
        instance: str,
        nats: Nats,
        tracing: Tracing,
        environ: Mapping[str, str],
    ) -> None:
        self.meters = Meters()
        self._environ = environ
        self._nats = nats
        self._tracing = tracing
        self._appends = AppendMeters(self.meters)
        self._reacting = ReactionMeters(self.meters)
        self._requests = RequestMeters(self.meters, tracing)
        self._watched: list[InstrumentedReaction] = []
        self._lags: list[lag.Lag] = []
        self.more: More = lambda status: status
        self._base = Status(
            service=service,
            instance=instance,
            version=version("rondo"),
            started_at=datetime.now(UTC),
            tzdata=zones.VERSION,
        )
        self.meters.source(self._about)

    def log(self) -> InstrumentedLog:
        return InstrumentedLog(self._nats, self._appends, self._tracing)

    def reaction(self, reaction: Reaction) -> Reaction:
        """The same, watched."""
        watched = InstrumentedReaction(reaction, self._reacting, self._tracing)
        self._watched.append(watched)
        self.meters.source(lambda: lag.of_reaction(self._nats, reaction.name))
        return watched.reaction

    def projection(
        self, name: str, position: Position, stream: str, subjects: Sequence[str] = (">",)
    ) -> None:
        behind = lag.Lag(name, stream, subjects, position)
        self._lags.append(behind)
        self.meters.source(lambda: behind.readings(self._nats))

    def pool(self, database: Database) -> None:
        """How many of its connections are in use."""

        async def read() -> list[Reading]:
            usage = database.usage()
            name, help = "rondo_postgres_connections", "Connections of a pool."
            return [
                Reading(name, help, count, {"pool": database.schema, "state": state})
                for state, count in usage.items()
            ]

        self.meters.source(read)

    def add_to(self, app: web.Application, *, scraped: bool = True) -> None:
        """Counts the requests of `app`, and serves /metrics there unless told not to."""
        app.middlewares.insert(0, self._requests.middleware)
        if scraped:
            app.router.add_get("/metrics", self.scrape)

    async def scrape(self, _: web.Request) -> web.Response:
        return web.Response(
            body=await exposition(self.meters),
            headers={"Content-Type": METRICS_TYPE},
        )

    async def tell(self) -> None:
        """For ever: how we are, and to who has started us that NATS stores nothing."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(status.tell(self._nats, self._status))
            tasks.create_task(self._complain())

    async def _complain(self) -> None:
        """Of a server that does answer: one that is away or overloaded is another matter."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            seconds = self._nats.appends.failing_seconds()
            if seconds is not None:
                with contextlib.suppress(Unavailable, ApiError):
                    await self._nats.api("INFO", timeout=_QUICKLY)
                    sd_notify.tell(f"X_APPENDS_FAIL={seconds:.1f}", self._environ)

    async def _status(self) -> Status:
        now = msgspec.structs.replace(
            self._base,
            reactions=[watched.places for watched in self._watched],
            projections=[await behind.measure(self._nats) for behind in self._lags],
        )
        return self.more(now)

    async def _about(self) -> list[Reading]:
        labels = {"service": self._base.service, "version": self._base.version}
        connected = float(self._nats.connected)
        return [
            Reading("rondo_build_info", "Which service in which version this is.", 1.0, labels),
            Reading("rondo_nats_connected", "Whether NATS is connected.", connected),
            *(one for watched in self._watched for one in watched.readings()),
        ]


@asynccontextmanager
async def open_telemetry(
    service: str, environ: Mapping[str, str], nats: Nats, instance: str = ""
) -> AsyncIterator[ServiceTelemetry]:
    instance = instance or unique_name()
    tracing = open_tracing(service, instance, environ)
    try:
        yield ServiceTelemetry(service, instance, nats, tracing, environ)
    finally:
        tracing.close()


def unique_name() -> str:
    """Of this process: the machine's name and a number that no other has."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())
    return f"{host}-{secrets.token_hex(4)}"
