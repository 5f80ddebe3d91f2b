"""The scheduler: says when a run is to be, and makes true what users ask of their tasks."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from libs.eventlog import hold, streams
from libs.eventlog.project import Runner
from libs.eventlog.stream_identity import StreamIdentity, watch
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.retire import retire
from libs.service.config import load
from libs.service.http import add_health, serving
from libs.service.main import notify_ready, run
from libs.service.nats import connected
from libs.telemetry.service_telemetry import open_telemetry
from services.scheduler.config import Config
from services.scheduler.metrics import plan_readings
from services.scheduler.plan import Plan
from services.scheduler.plan_projection import SCHEMA, PlanProjection
from services.scheduler.rescue import Rescue
from services.scheduler.ticker import Ticker

CATCH_UP_TIMEOUT_SECONDS = 600.0
MAX_EVENTS_BEHIND = 500  # that a start may have to fold again


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    async with (
        connected(config) as nats,
        pool.connect(config.postgres_dsn, SCHEMA, durable=True, size=2) as database,
        open_telemetry("scheduler", environ, nats) as telemetry,
    ):
        await streams.create(nats, config.nats_replicas)
        await migrate(database, "services.scheduler")
        identity = StreamIdentity(database, nats, streams.EVENTS, ("due",), derived=True)
        await identity.check()
        log, plan = telemetry.log(), Plan()

        async def catch_up() -> None:
            await runner.position.reached(await log.end(), CATCH_UP_TIMEOUT_SECONDS)

        ticker = Ticker(log, plan, lambda: datetime.now(UTC), catch_up)
        runner = Runner(database, PlanProjection(plan, ticker.wake), log.follow, MAX_EVENTS_BEHIND)
        telemetry.projection("due", runner.position, streams.EVENTS)
        telemetry.pool(database)
        telemetry.metrics.source(plan_readings(plan))
        app = web.Application()
        add_health(app, {"nats": nats.check, "postgres": database.check})
        telemetry.add_to(app)
        async with serving(app, config.listen, config.listen_fds), asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run())
            tasks.create_task(watch(identity))
            await catch_up()
            tasks.create_task(hold.run_when_released(nats, ticker.run))
            tasks.create_task(hold.run_when_released(nats, Rescue(nats, plan, ticker).run))
            tasks.create_task(telemetry.publish())
            tasks.create_task(retire(database))
            notify_ready()


if __name__ == "__main__":
    run("scheduler", main)
