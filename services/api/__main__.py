"""The API gateway: takes commands into the log, and reads from views of it."""

import asyncio
from collections.abc import Mapping

from libs.domain.events import ConnectionDeleted
from libs.eventlog import hold
from libs.eventlog.react import Reaction, react
from libs.eventlog.stream_identity import watch
from libs.postgres.migrate import migrate
from libs.postgres.retire import retire
from libs.service import address
from libs.service.config import ConfigError, load
from libs.service.connections import Share
from libs.service.handover import giver
from libs.service.http import serving
from libs.service.main import notify_ready, run
from services.api.app import application
from services.api.append.upload import finish_uploads
from services.api.config import Config
from services.api.connections import commands as connections
from services.api.deployments.paths import INFER
from services.api.http.upload_stream import sweep
from services.api.models.sweeper import sweeper
from services.api.open_resources import open_resources
from services.api.read_model.connections import deleted_connections
from services.api.resources import Resources
from services.webhooks import background

CATCH_UP_TIMEOUT_SECONDS = 3600.0


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    _check_proxies(config)
    sweep(config.data)
    async with open_resources(config, environ) as (resources, views, source):
        store, vault = resources.store, resources.contents.vault
        # The end of any of its tasks ends the service: it never serves rows that stand still.
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(views.run())
            for reaction in _reactions(resources):
                tasks.create_task(react(resources.runtime.nats, reaction))
            tasks.create_task(resources.runtime.telemetry.publish())
            tasks.create_task(watch(source))
            await store.position.reached(await store.log.end(), CATCH_UP_TIMEOUT_SECONDS)
            await migrate(store.rows, "services.api.read_model")
            await finish_uploads(store.log, resources.contents.blobs, config.data)
            # A database that was set back to a backup has destroyed keys again.
            await vault.shred(*await deleted_connections(store.rows))
            tasks.create_task(background.run(resources.webhooks))
            await _serve(resources, tasks)


def _reactions(resources: Resources) -> list[Reaction]:
    shredder = Reaction(
        name="shredder",
        subjects=(connections.SUBJECTS,),
        kinds=(ConnectionDeleted,),
        handle=connections.shredder(resources.contents.vault),
    )
    both = (shredder, sweeper(resources.store, resources.contents.blobs))
    return [resources.runtime.telemetry.reaction(each) for each in both]


async def _serve(resources: Resources, tasks: asyncio.TaskGroup) -> None:
    """For ever."""
    config, nats = resources.runtime.config, resources.runtime.nats
    app, share = application(resources, nats), Share.of_descriptors(config.trusted_proxies)
    inference = giver(f"POST {INFER.partition('{')[0]}".encode(), config.inference_url)
    async with serving(app, config.listen, config.listen_fds, share, elsewhere=inference):
        state = await hold.current(nats)
        notify_ready(str(state) if state else "")
        tasks.create_task(retire(resources.store.rows))
        await asyncio.Event().wait()


def _check_proxies(config: Config) -> None:
    try:
        address.networks(config.trusted_proxies)
    except ValueError as error:
        raise ConfigError(f"RONDO_TRUSTED_PROXIES: {error}; name networks by commas") from None


if __name__ == "__main__":
    run("api", main)
