"""What webhooks are made of, opened from a configuration and what the surrounding service gives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from libs.eventfeed.follow import Source
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Runner
from libs.natsjwt.issuer import Issuer
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from libs.service.config import ConfigError
from libs.telemetry.service_telemetry import ServiceTelemetry
from libs.vault.vault import Vault
from services.webhooks.config import WebhooksConfig
from services.webhooks.delivery_store import DeliveryStore
from services.webhooks.egress import Egress
from services.webhooks.manual_delivery import ManualDelivery
from services.webhooks.owner_rights import MaySee, OwnerRights
from services.webhooks.projection import SCHEMA, SUBJECTS, SubscriptionsProjection
from services.webhooks.reconciler import Reconciler
from services.webhooks.sender import Sender, open_sender


@dataclass(frozen=True)
class Surroundings:
    """What a process has that webhooks run in. An event is delivered once `source` has it."""

    nats: Nats
    source: Source
    vault: Vault
    telemetry: ServiceTelemetry
    may_see: MaySee


@dataclass(frozen=True)
class WebhookResources:
    """`runner` writes `rows` by `projection`. Without an `issuer` nobody is let into NATS."""

    config: WebhooksConfig
    around: Surroundings
    rows: Database
    projection: SubscriptionsProjection
    runner: Runner[Recorded]
    deliveries: DeliveryStore
    sender: Sender
    manual: ManualDelivery
    reconciler: Reconciler
    rights: OwnerRights
    issuer: Issuer | None


@asynccontextmanager
async def open_webhooks(
    config: WebhooksConfig, around: Surroundings
) -> AsyncIterator[WebhookResources]:
    """Raises ConfigError."""
    egress, issuer = _egress(config), _issuer(config)
    log, vault = around.source.log, around.vault
    async with (
        pool.connect(config.postgres_dsn, SCHEMA, durable=True, size=4) as rows,
        open_sender(egress, config.webhooks_timeout) as sender,
    ):
        await migrate(rows, "services.webhooks")
        projection, plain_log = SubscriptionsProjection(), EventLog(around.nats)
        deliveries = DeliveryStore(rows, uuid4())
        yield WebhookResources(
            config,
            around,
            rows,
            projection,
            Runner(rows, projection, lambda after: plain_log.follow(after, SUBJECTS)),
            deliveries,
            sender,
            ManualDelivery(log, vault, deliveries, sender),
            Reconciler(around.nats, log, vault, deliveries),
            OwnerRights(around.may_see, log, rows),
            issuer,
        )


def _egress(config: WebhooksConfig) -> Egress:
    try:
        return Egress.of(config.webhooks_allow)
    except ValueError as problem:
        raise ConfigError(f"RONDO_WEBHOOKS_ALLOW: {problem}") from None


def _issuer(config: WebhooksConfig) -> Issuer | None:
    if config.nats_issuer is None:
        return None
    try:
        return Issuer(config.nats_issuer.reveal())
    except ValueError as problem:
        raise ConfigError(f"RONDO_NATS_ISSUER_FILE: {problem}") from None
