"""The inference service: serves deployed pipelines, and probes uploaded models."""

import asyncio
from collections.abc import Mapping
from functools import partial

from libs.blobs.open import open_store
from libs.domain.events import ModelVersionPackaged, ModelVersionUploaded
from libs.eventlog import hold, streams
from libs.eventlog.project import Runner
from libs.eventlog.react import Reaction, react
from libs.eventlog.stream_identity import StreamIdentity, watch
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.service import handover
from libs.service.config import load
from libs.service.disk_reserve import DiskReserve
from libs.service.http import add_health, calling, serving
from libs.service.main import notify_ready, run
from libs.service.nats import connected
from libs.telemetry.service_telemetry import open_telemetry
from services.inference.config import Config
from services.inference.control.control import Control
from services.inference.control.deployments import SCHEMA, SUBJECTS, Deployments
from services.inference.control.gateways import AllGateways
from services.inference.control.model_cache import ModelCache
from services.inference.control.other_gateway import OtherGateway
from services.inference.control.probes import Probes
from services.inference.control.slots import Slots
from services.inference.control.spare import Spare
from services.inference.control.spawner import Spawner, socket_folder
from services.inference.control.step_guards import StepGuards
from services.inference.gateway import http
from services.inference.gateway.callers import Callers
from services.inference.gateway.gateway import Gateway
from services.inference.gateway.metrics import GatewayMetrics
from services.inference.gateway.permits import Permits
from services.inference.logs.config import RECORDS
from services.inference.logs.on_demand import pipeline_logs
from services.inference.logs.write import Writer

MODELS = "event.*.model_version.*"
CATCH_UP_TIMEOUT_SECONDS, SEEN_TIMEOUT_SECONDS = 600.0, 2.0
MAX_EVENTS_BEHIND = 200  # that a start may have to fold again


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    async with (
        connected(config) as nats,
        pool.connect(config.postgres_dsn, SCHEMA, durable=True, size=4) as database,
        open_store(config.blobs_url) as blobs,
        open_telemetry("inference", environ, nats) as telemetry,
        calling(config.api_url or config.public_url) as api,
        pipeline_logs(environ, config.data, config.internal_token) as logs,
    ):
        await streams.create(nats, config.nats_replicas)
        await migrate(database, "services.inference.control")
        identity = StreamIdentity(database, nats, streams.EVENTS, (Deployments.name,), derived=True)
        await identity.check()
        log, spare = telemetry.log(), Spare(environ)
        writer = Writer(config.data / RECORDS, DiskReserve.of(config), config.log_sync_seconds)
        metrics = GatewayMetrics(telemetry.metrics)
        gateway = Gateway(
            Permits(api, config.internal_token),
            writer,
            metrics,
            config.infer_queue,
            config.infer_timeout,
            telemetry.tracing,
        )
        callers = Callers(gateway, config.infer_body_mib << 20)
        cache = ModelCache(blobs, config.data / "models", int(config.model_cache_gib * 2**30))
        slots = Slots(config.replica_first_uid)
        guards = StepGuards(environ, config.environments, config.data / "steps", slots)
        spawner = Spawner(spare, cache, slots, socket_folder(config.data), guards)
        others = [OtherGateway(environ, metrics) for _ in range(config.inference_gateways)]
        gateways = AllGateways(gateway, callers, others)
        control = Control(log, spawner, gateways)
        gateways.on_activate(control.activate)
        runner = Runner(
            database,
            control.deployments,
            lambda after: log.follow(after, SUBJECTS),
            MAX_EVENTS_BEHIND,
        )

        async def seen(seq: int) -> bool:
            try:
                async with asyncio.timeout(SEEN_TIMEOUT_SECONDS):
                    await runner.position.reached(seq, SEEN_TIMEOUT_SECONDS)
                    await gateways.settled()
            except TimeoutError:
                return False
            return True

        uploads = telemetry.reaction(
            Reaction(
                name="inference",
                subjects=(MODELS,),
                kinds=(ModelVersionUploaded, ModelVersionPackaged),
                handle=Probes(log, spawner, config.probe_mib << 20).handle,
                concurrency=config.probes,
            )
        )
        app = http.create(
            gateway, config.internal_token, control.show, seen, config.infer_body_mib << 20
        )
        logs.add_routes(app)
        forgets = telemetry.reaction(logs.reaction())
        checks = {"nats": nats.check, "postgres": database.check, "spare": spare.check}
        add_health(app, checks, control.about)
        telemetry.projection("deployments", runner.position, streams.EVENTS, SUBJECTS)
        telemetry.pool(database)
        telemetry.metrics.source(control.readings)
        telemetry.metrics.source(logs.readings)
        telemetry.add_to(app)
        try:
            # What serves is opened last and closed first: nobody finds us before we know what there
            # is, and what is under way is answered while all else goes on.
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(spare.run())
                tasks.create_task(runner.run())
                tasks.create_task(watch(identity))
                tasks.create_task(gateway.run())
                tasks.create_task(callers.run())
                tasks.create_task(logs.run())
                for other in others:
                    tasks.create_task(other.run())
                tasks.create_task(telemetry.publish())
                if await log.last_seq_over(MODELS):
                    await spare.ready()
                await gateways.ready()
                newest = max([await log.last_seq_over(subject) for subject in SUBJECTS])
                await runner.position.reached(newest, CATCH_UP_TIMEOUT_SECONDS)
                tasks.create_task(hold.run_when_released(nats, control.run))
                for one in (uploads, forgets):
                    tasks.create_task(hold.run_when_released(nats, partial(react, nats, one)))

                async def leave() -> None:
                    limit.reschedule(asyncio.get_running_loop().time() + config.infer_grace)
                    await gateways.leave(config.infer_grace)

                async with (
                    asyncio.timeout(None) as limit,
                    serving(
                        app,
                        config.listen,
                        config.listen_fds,
                        cancels=True,
                        grace=config.infer_grace,
                    ),
                    handover.taking(handover.beside(config.listen), gateways.take, leave),
                ):
                    notify_ready()
                    await asyncio.Event().wait()
        finally:
            writer.close()


if __name__ == "__main__":
    run("inference", main)
