"""The API gateway: takes commands into the log, and reads from views of it."""

import asyncio
import logging
from collections.abc import Mapping

import aiohttp

from libs.blobs.open import open_store
from libs.domain.events import ConnectionDeleted
from libs.eventlog import hold, streams
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Position, Runner
from libs.eventlog.react import Reaction, react
from libs.eventlog.stream_identity import StreamIdentity, watch
from libs.identity import users
from libs.identity.device import Devices
from libs.identity.login import Login
from libs.identity.oidc import Issuer, Oidc
from libs.identity.service_tokens import ServiceTokens
from libs.identity.sessions import Sessions
from libs.identity.tokens import Tokens
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.retire import retire
from libs.runtoken.token import RunTokens
from libs.service import address
from libs.service.config import ConfigError, Secret, load
from libs.service.connections import Share
from libs.service.http import calling, serving
from libs.service.main import notify_ready, run
from libs.service.nats import connected
from libs.telemetry.service_telemetry import ServiceTelemetry, open_telemetry
from libs.vault import vault
from libs.vault.ring import BadRing, KeyRing
from services.api.admin import platform
from services.api.app import application
from services.api.config import Config
from services.api.connections import commands as connections
from services.api.events.tail import Tail, Told
from services.api.http.fetch import issuer_fetch
from services.api.http.request_context import Resources
from services.api.orchestrations.upload_stream import sweep
from services.api.read_model.connections import deleted_connections
from services.api.read_model.projection import SCHEMA, TABLES_ONLY, ViewsProjection
from services.api.subscriptions import resources as desk
from services.api.subscriptions import work

CATCH_UP = 3600.0


async def main(environ: Mapping[str, str]) -> None:
    config = load(Config, environ)
    _check_proxies(config)
    tokens = Tokens(config.signing_key.reveal(), config.public_url, config.access_token_seconds)
    run_tokens = RunTokens(config.task_key.reveal(), config.public_url)
    ring = _ring(config.vault_key)
    sweep(config.data)
    async with (
        connected(config) as nats,
        pool.connect(config.postgres_dsn, SCHEMA, durable=True) as rows,
        pool.connect(config.postgres_dsn, users.SCHEMA, durable=True, size=4) as accounts,
        pool.connect(config.postgres_dsn, vault.SCHEMA, durable=True, size=2, least=0) as data_keys,
        open_store(config.blobs_url) as blobs,
        desk.opened(config, nats) as subscriptions,
        aiohttp.ClientSession() as http,
        calling(config.logs_url) as logs,
        open_telemetry("api", environ, nats) as vitals,
    ):
        await streams.create(nats, config.nats_replicas)
        await migrate(rows, "services.api.read_model", TABLES_ONLY)
        origin = StreamIdentity(rows, nats, streams.EVENTS, (ViewsProjection.name,), derived=True)
        await origin.check()
        await migrate(accounts, "libs.identity")
        secrets = vault.Vault(data_keys, ring)
        await secrets.migrate()
        known = users.Users(accounts)
        await _ensure_admin(known, config)
        log = vitals.log()
        tail = Tail()
        runner = Runner(rows, Told(ViewsProjection(), tail), log.follow)
        resources = Resources(
            config,
            log,
            rows,
            runner.position,
            blobs,
            known,
            tokens,
            run_tokens,
            secrets,
            Login(known),
            Devices(accounts),
            ServiceTokens(accounts),
            _oidc(config, known, http),
            Sessions(accounts, known),
            http,
            logs,
            asyncio.Lock(),
            tail,
            nats,
            vitals,
            subscriptions,
        )
        shredder = Reaction(
            name="shredder",
            subjects=(connections.SUBJECTS,),
            kinds=(ConnectionDeleted,),
            handle=connections.shredder(secrets),
        )
        shredder = vitals.reaction(shredder)
        _watch(vitals, runner.position, nats, rows, accounts, data_keys)
        # The end of any of its tasks ends the service: it never serves rows that stand still.
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run())
            tasks.create_task(react(nats, shredder))
            tasks.create_task(vitals.tell())
            tasks.create_task(watch(origin))
            await runner.position.reached(await log.end(), CATCH_UP)
            await migrate(rows, "services.api.read_model")
            # A database that was set back to a backup has destroyed keys again.
            await secrets.shred(*await deleted_connections(rows))
            tasks.create_task(work.run(resources))
            app, share = application(resources, nats), Share.of_descriptors(config.trusted_proxies)
            async with serving(app, config.listen, config.listen_fds, share):
                state = await hold.found(nats)
                notify_ready(str(state) if state else "")
                tasks.create_task(retire(rows))
                await asyncio.Event().wait()


def _watch(vitals: ServiceTelemetry, position: Position, nats: Nats, *pools: pool.Database) -> None:
    vitals.projection("views", position, streams.EVENTS)
    vitals.meters.source(platform.readings(nats))
    for database in pools:
        vitals.pool(database)


def _check_proxies(config: Config) -> None:
    try:
        address.networks(config.trusted_proxies)
    except ValueError as error:
        raise ConfigError(f"RONDO_TRUSTED_PROXIES: {error}; name networks by commas") from None


def _oidc(config: Config, known: users.Users, http: aiohttp.ClientSession) -> Oidc | None:
    if not config.oidc_issuer:
        return None
    if not config.oidc_audience:
        raise ConfigError("RONDO_OIDC_AUDIENCE is not set: tokens for other programs would be good")
    issuer = Issuer(
        config.oidc_issuer,
        config.oidc_audience,
        config.oidc_email_claim,
        config.oidc_admin_claim,
        config.oidc_admin_value,
    )
    return Oidc(issuer, known, issuer_fetch(http))


def _ring(secret: Secret) -> KeyRing:
    try:
        return KeyRing(secret.reveal())
    except BadRing as problem:
        raise ConfigError(f"RONDO_VAULT_KEY_FILE: {problem}") from None


async def _ensure_admin(known: users.Users, config: Config) -> None:
    if not config.admin_email or config.admin_password is None:
        return
    if await known.ensure_admin(config.admin_email, config.admin_password.reveal()):
        logging.getLogger(__name__).info("made the administrator %s", config.admin_email)


if __name__ == "__main__":
    run("api", main)
