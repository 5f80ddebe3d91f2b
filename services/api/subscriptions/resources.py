"""What handlers of subscriptions work with, beside what all handlers have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Runner
from libs.natsjwt.issuer import Issuer
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from libs.service.config import ConfigError
from services.api.config import Config
from services.api.subscriptions import sender
from services.api.subscriptions.delivery_store import Ledger
from services.api.subscriptions.egress import Egress
from services.api.subscriptions.projection import SCHEMA, SUBJECTS, Subscriptions
from services.api.subscriptions.sender import Sender


@dataclass(frozen=True)
class SubscriptionResources:
    """`runner` writes the `rows` of subscriptions, by `projection`. Without an `issuer` nobody is
    let into NATS."""

    rows: Database
    projection: Subscriptions
    runner: Runner[Recorded]
    ledger: Ledger
    sender: Sender
    issuer: Issuer | None


@asynccontextmanager
async def opened(config: Config, nats: Nats) -> AsyncIterator[SubscriptionResources]:
    """Raises ConfigError."""
    egress, issuer = _egress(config), _issuer(config)
    async with (
        pool.connect(config.postgres_dsn, SCHEMA, durable=True, size=4) as rows,
        sender.opened(egress, config.webhooks_timeout) as sending,
    ):
        await migrate(rows, "services.api.subscriptions")
        projection, log = Subscriptions(), EventLog(nats)
        runner = Runner(rows, projection, lambda after: log.follow(after, SUBJECTS))
        yield SubscriptionResources(
            rows, projection, runner, Ledger(rows, uuid4()), sending, issuer
        )


def _egress(config: Config) -> Egress:
    try:
        return Egress.of(config.webhooks_allow)
    except ValueError as problem:
        raise ConfigError(f"RONDO_WEBHOOKS_ALLOW: {problem}") from None


def _issuer(config: Config) -> Issuer | None:
    if config.nats_issuer is None:
        return None
    try:
        return Issuer(config.nats_issuer.reveal())
    except ValueError as problem:
        raise ConfigError(f"RONDO_NATS_ISSUER_FILE: {problem}") from None
