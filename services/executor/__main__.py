"""The executor: claims runs, starts users' code, and says how it ended."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

import aiohttp
from aiohttp import web

from libs.blobs.open import open_store
from libs.domain.events import RunRequested
from libs.eventlog import hold, streams
from libs.eventlog.react import Reaction, react
from libs.runtoken.token import RunTokens
from libs.service.config import load
from libs.service.disk_reserve import DiskReserve
from libs.service.http import add_health, serving
from libs.service.main import notify_ready, run
from libs.service.nats import connected
from libs.telemetry.service_telemetry import open_telemetry, unique_name
from services.executor.config import Config
from services.executor.open_backend import open_backend
from services.executor.owner_lookup import Owners
from services.executor.run_manager import RunManager
from services.executor.run_spec import Settings

logger = logging.getLogger(__name__)


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    settings = Settings(
        executor=unique_name(),
        slots=config.slots,
        variables={"WALLAROO_URL": config.public_url},
        mode=config.start,
        stop_grace=config.stop_grace,
    )
    async with (
        connected(config) as nats,
        open_store(config.blobs_url) as blobs,
        open_telemetry("executor", environ, nats, settings.executor) as telemetry,
        aiohttp.ClientSession() as calls,
    ):
        await streams.create(nats, config.nats_replicas)
        backend = await open_backend(config, blobs)
        for sentence in backend.describe():
            logger.info("%s", sentence)
        log = telemetry.log()
        run_tokens = RunTokens(config.task_key.reveal(), config.public_url)
        owners = Owners(calls, run_tokens, config.public_url)
        runs = RunManager(settings, backend, log, nats, owners, DiskReserve.of(config))
        claims = Reaction(
            name="executor",
            subjects=("event.*.run.*",),
            kinds=(RunRequested,),
            handle=runs.handle,
            concurrency=config.slots,
        )
        claims = telemetry.reaction(claims)
        app = web.Application()
        add_health(app, {"nats": nats.check, "blobs": blobs.check})
        telemetry.add_to(app)
        try:
            async with serving(app, config.listen, config.listen_fds), asyncio.TaskGroup() as tasks:
                tasks.create_task(runs.orders.follow(await log.end()))
                tasks.create_task(runs.lease.hold())
                tasks.create_task(hold.run_when_released(nats, partial(react, nats, claims)))
                tasks.create_task(telemetry.publish())
                notify_ready()
        finally:
            await backend.close()


if __name__ == "__main__":
    run("executor", main)
