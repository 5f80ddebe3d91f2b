"""The packager: makes environments for uploaded orchestrations and models."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from libs.blobs.open import open_store
from libs.domain.events import ModelVersionUploaded, OrchestrationUploaded
from libs.eventlog import streams
from libs.eventlog.react import Reaction, react
from libs.service.config import load
from libs.service.disk_reserve import DiskReserve
from libs.service.http import add_health, serving
from libs.service.main import notify_ready, run
from libs.service.nats import connected
from libs.telemetry.service_telemetry import open_telemetry
from services.packager.build import Builder
from services.packager.config import Config
from services.packager.environment_gc import EnvironmentGC
from services.packager.environment_store import EnvironmentStore
from services.packager.model_reactions import ModelPackager
from services.packager.reactions import Packager


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    async with (
        connected(config) as nats,
        open_store(config.blobs_url) as blobs,
        open_telemetry("packager", environ, nats) as telemetry,
    ):
        await streams.create(nats, config.nats_replicas)
        builder = Builder(
            config.data,
            config.environments,
            environ,
            base=config.base,
            limits=config.limits,
            user=config.build_uid,
            wheels_only=config.wheels_only,
            reserve=DiskReserve.of(config),
        )
        scratch = config.data / "incoming"
        scratch.mkdir(exist_ok=True)
        log = telemetry.log()
        gc = EnvironmentGC(log, builder, EnvironmentStore(config.environments), telemetry.metrics)
        packager = Packager(log, blobs, builder, scratch, gc.wake)
        uploads = Reaction(
            name="packager",
            subjects=("event.*.orchestration.*",),
            kinds=(OrchestrationUploaded,),
            handle=packager.handle,
            concurrency=config.builds,
        )
        models = Reaction(
            name="packager-models",
            subjects=("event.*.model_version.*",),
            kinds=(ModelVersionUploaded,),
            handle=ModelPackager(log, builder, gc.wake).handle,
            concurrency=config.builds,
        )
        app = web.Application()
        add_health(app, {"nats": nats.check, "blobs": blobs.check})
        telemetry.add_to(app)
        telemetry.extend_status = gc.extend_status
        async with serving(app, config.listen, config.listen_fds), asyncio.TaskGroup() as tasks:
            for each in (uploads, models):
                tasks.create_task(react(nats, telemetry.reaction(each)))
            tasks.create_task(telemetry.publish())
            tasks.create_task(gc.run())
            tasks.create_task(builder.stand_by())
            notify_ready()


if __name__ == "__main__":
    run("packager", main)
