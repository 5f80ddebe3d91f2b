"""The API gateway: takes commands into the log, and reads from views of it."""

import asyncio
import logging
from collections.abc import Mapping

import aiohttp

from libs.blobs.open import open_store
from libs.eventlog import streams, wire
from libs.eventlog.log import EventLog
from libs.eventlog.project import Runner
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.service.config import load
from libs.service.http import serving
from libs.service.main import notify_ready, run
from services.api.app import application
from services.api.call import Resources
from services.api.config import Config
from services.api.identity import users
from services.api.identity.login import Login
from services.api.identity.tokens import Tokens
from services.api.upload import sweep
from services.api.views import SCHEMA, Views

CATCH_UP = 3600.0


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    token = config.nats_token.reveal() if config.nats_token else None
    tokens = Tokens(config.signing_key, config.public_url, config.access_token_seconds)
    sweep(config.data)
    async with (
        wire.connect(config.nats_url, token) as nats,
        pool.connect(config.postgres_dsn, SCHEMA, durable=True) as rows,
        pool.connect(config.postgres_dsn, users.SCHEMA, durable=True, size=4) as accounts,
        open_store(config.blobs_url) as blobs,
        aiohttp.ClientSession() as http,
    ):
        await streams.create(nats, config.nats_replicas)
        await migrate(rows, "services.api")
        await migrate(accounts, "services.api.identity")
        known = users.Users(accounts)
        await _ensure_admin(known, config)
        log = EventLog(nats)
        runner = Runner(rows, Views(), log.follow)
        resources = Resources(
            config,
            log,
            rows,
            runner.position,
            blobs,
            known,
            tokens,
            Login(known),
            http,
            asyncio.Lock(),
        )
        # The end of any of its tasks ends the service: it never serves rows that stand still.
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run())
            await runner.position.reached(await log.end(), CATCH_UP)
            async with serving(application(resources, nats), config.listen):
                notify_ready()
                await asyncio.Event().wait()


async def _ensure_admin(known: users.Users, config: Config) -> None:
    if not config.admin_email or config.admin_password is None:
        return
    if await known.ensure_admin(config.admin_email, config.admin_password.reveal()):
        logging.getLogger(__name__).info("made the administrator %s", config.admin_email)


if __name__ == "__main__":
    run("api", main)
