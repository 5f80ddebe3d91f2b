"""Opens the resources of the service, in the order in which one needs the other."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from libs.blobs.open import open_store
from libs.eventfeed.tail import Tail, TailedProjection
from libs.eventlog import streams
from libs.eventlog.envelope import Recorded
from libs.eventlog.project import Runner
from libs.eventlog.stream_identity import StreamIdentity
from libs.identity import users
from libs.identity.device import Devices
from libs.identity.login import Login
from libs.identity.oidc import Issuer, Oidc
from libs.identity.service_tokens import ServiceTokens
from libs.identity.sessions import Sessions
from libs.identity.tokens import Tokens
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.runtoken.token import RunTokens
from libs.service.config import ConfigError, Secret
from libs.service.http import calling
from libs.service.nats import connected
from libs.telemetry.service_telemetry import open_telemetry
from libs.vault import vault
from libs.vault.ring import BadRing, KeyRing
from services.api.access import authorize as access
from services.api.access.identity import Identity
from services.api.admin import stream_metrics
from services.api.append.store import Store
from services.api.config import NOBODY, Config
from services.api.gateway import Gateway
from services.api.http.fetch import issuer_fetch
from services.api.read_model.projection import SCHEMA, TABLES_ONLY, ViewsProjection
from services.api.read_model.run_logs import RunLogs
from services.api.resources import Contents, Resources, Runtime
from services.webhooks.resources import Surroundings, open_webhooks

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """The resources, and two tasks to run: `views` writes the rows, `source` watches their
    stream."""

    resources: Resources
    views: Runner[Recorded]
    source: StreamIdentity


@asynccontextmanager
async def open_resources(config: Config, environ: Mapping[str, str]) -> AsyncIterator[Opened]:
    """Everything that the service needs; closed at the end. Raises ConfigError or Unavailable."""
    ring = _ring(config.vault_key)
    async with (
        connected(config) as nats,
        pool.connect(config.postgres_dsn, SCHEMA, durable=True) as rows,
        pool.connect(config.postgres_dsn, users.SCHEMA, durable=True, size=4) as accounts,
        pool.connect(config.postgres_dsn, vault.SCHEMA, durable=True, size=2, least=0) as data_keys,
        open_store(config.blobs_url) as blobs,
        aiohttp.ClientSession() as http,
        calling(config.logs_url) as logs,
        calling(config.inference_url) as inference,
        calling(config.inference_url, stays=False) as inferring,
        open_telemetry("api", environ, nats) as telemetry,
    ):
        await streams.create(nats, config.nats_replicas)
        await migrate(rows, "services.api.read_model", TABLES_ONLY)
        source = StreamIdentity(rows, nats, streams.EVENTS, (ViewsProjection.name,), derived=True)
        await source.check()
        log, tail = telemetry.log(), Tail()
        views = Runner(rows, TailedProjection(ViewsProjection(), tail), log.follow)
        secrets = vault.Vault(data_keys, ring)
        await secrets.migrate()
        telemetry.projection("views", views.position, streams.EVENTS)
        telemetry.metrics.source(stream_metrics.readings(nats))
        for database in (rows, accounts, data_keys):
            telemetry.pool(database)
        store = Store(log, rows, views.position, tail, asyncio.Lock())
        identity = await _identity(config, accounts, http)
        contents = Contents(blobs, secrets, RunLogs(logs, config.internal_token))
        runtime = Runtime(config, nats, telemetry)
        may_see = access.may_see(identity.users, rows)
        around = Surroundings(nats, store, secrets, telemetry, may_see)
        async with open_webhooks(config, around) as webhooks:
            hold = config.infer_hold if config.inference_url != NOBODY else 0.0
            gateway = Gateway(inference, inferring, config.internal_token, hold)
            resources = Resources(store, identity, contents, runtime, webhooks, gateway)
            yield Opened(resources, views, source)


def _ring(secret: Secret) -> KeyRing:
    try:
        return KeyRing(secret.reveal())
    except BadRing as problem:
        raise ConfigError(f"RONDO_VAULT_KEY_FILE: {problem}") from None


async def _identity(
    config: Config, accounts: pool.Database, http: aiohttp.ClientSession
) -> Identity:
    await migrate(accounts, "libs.identity")
    directory = users.Users(accounts)
    await _ensure_admin(directory, config)
    return Identity(
        directory,
        Tokens(config.signing_key.reveal(), config.public_url, config.access_token_seconds),
        RunTokens(config.task_key.reveal(), config.public_url),
        Login(directory),
        Devices(accounts),
        ServiceTokens(accounts),
        _oidc(config, directory, http),
        Sessions(accounts, directory),
    )


async def _ensure_admin(directory: users.Users, config: Config) -> None:
    if not config.admin_email or config.admin_password is None:
        return
    if await directory.ensure_admin(config.admin_email, config.admin_password.reveal()):
        _log.info("made the administrator %s", config.admin_email)


def _oidc(config: Config, directory: users.Users, http: aiohttp.ClientSession) -> Oidc | None:
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
    return Oidc(issuer, directory, issuer_fetch(http))
