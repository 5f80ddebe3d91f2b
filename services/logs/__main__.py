"""The logs service: keeps what runs print, and gives it to those who ask."""

import asyncio
from collections.abc import Mapping

from libs.eventlog import follow, streams
from libs.eventlog.project import Runner
from libs.eventlog.stream_identity import StreamIdentity, watch
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.service.config import load
from libs.service.http import add_health, serving
from libs.service.main import notify_ready, run
from libs.service.nats import connected
from libs.telemetry.service_telemetry import open_telemetry
from services.logs import app as http
from services.logs.arrivals import Arrivals
from services.logs.backlog import Backlog
from services.logs.config import Config
from services.logs.ingest import SCHEMA, SUBJECTS, Ingest
from services.logs.metrics import IngestMetrics
from services.logs.read import Reader
from services.logs.retention import Retention
from services.logs.runs import RunsProjection


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    async with (
        connected(config) as nats,
        pool.connect(config.postgres_dsn, SCHEMA, durable=True) as database,
        open_telemetry("logs", environ, nats) as telemetry,
    ):
        await streams.create(nats, config.nats_replicas)
        await migrate(database, "services.logs")
        identities = [
            StreamIdentity(database, nats, streams.LOGS, (Ingest.name,), derived=False),
            StreamIdentity(database, nats, streams.EVENTS, (RunsProjection.name,), derived=False),
        ]
        for identity in identities:
            await identity.check()
        log, arrivals = telemetry.log(), Arrivals()
        ingest = Runner(
            database,
            Ingest(arrivals, IngestMetrics(telemetry.metrics)),
            lambda after: follow.follow(nats, streams.LOGS, after, SUBJECTS),
        )
        runs = Runner(database, RunsProjection(arrivals), log.follow)
        backlog = Backlog(nats, ingest.position)
        app = http.create(Reader(database, arrivals, backlog.settle), config.internal_token)
        add_health(app, {"nats": nats.check, "postgres": database.check})
        telemetry.projection("chunks", ingest.position, streams.LOGS)
        telemetry.projection("runs", runs.position, streams.EVENTS)
        telemetry.pool(database)
        telemetry.add_to(app)
        async with serving(app, config.listen, config.listen_fds), asyncio.TaskGroup() as tasks:
            tasks.create_task(Retention(database, config.retention_days).run())
            tasks.create_task(ingest.run())
            tasks.create_task(runs.run())
            tasks.create_task(backlog.run())
            tasks.create_task(telemetry.publish())
            tasks.create_task(watch(*identities))
            notify_ready()


if __name__ == "__main__":
    run("logs", main)
