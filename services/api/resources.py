"""The resources that the service has opened, by purpose."""

from dataclasses import dataclass

from libs.blobs.store import BlobStore
from libs.eventlog.nats_client import Nats
from libs.telemetry.service_telemetry import ServiceTelemetry
from libs.vault.vault import Vault
from services.api.access.identity import Identity
from services.api.append.store import Store
from services.api.config import Config
from services.api.gateway import Gateway
from services.api.read_model.run_logs import RunLogs
from services.webhooks.resources import WebhookResources


@dataclass(frozen=True)
class Contents:
    """Contents that events only point at: archives, sealed secrets, output of runs."""

    blobs: BlobStore
    vault: Vault
    logs: RunLogs


@dataclass(frozen=True)
class Runtime:
    """The process itself: its configuration, connection and telemetry."""

    config: Config
    nats: Nats
    telemetry: ServiceTelemetry


@dataclass(frozen=True)
class Resources:
    store: Store
    identity: Identity
    contents: Contents
    runtime: Runtime
    webhooks: WebhookResources
    gateway: Gateway
