"""What a handler gets: the service's resources, who calls, and the request."""

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from libs.blobs.store import BlobStore
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Position
from libs.identity.device import Devices
from libs.identity.login import Login
from libs.identity.oidc import Oidc
from libs.identity.service_tokens import ServiceTokens
from libs.identity.sessions import Sessions
from libs.identity.tokens import Tokens
from libs.identity.users import User, Users
from libs.postgres.pool import Database
from libs.runtoken.token import RunTokens
from libs.service import address
from libs.telemetry.service_telemetry import ServiceTelemetry
from libs.vault.vault import Vault
from services.api.config import Config
from services.api.events.tail import Tail
from services.api.http.errors import not_visible_yet
from services.api.subscriptions.resources import SubscriptionResources

VISIBLE_WITHIN = 5.0
REQUEST_ID = web.RequestKey("request_id", str)
OPEN_TO_MACHINES = web.RequestKey("open_to_machines", bool)  # of the route; closed if unset


@dataclass(frozen=True)
class Resources:
    """Opened in __main__.py; `rows` are the views, `position` is how far they are.
    Who creates what must be unique holds `numbering`; `tail` tells of events as they come,
    `desk` has subscriptions, `logs` calls the logs service."""

    config: Config
    log: EventLog
    rows: Database
    position: Position
    blobs: BlobStore
    users: Users
    tokens: Tokens
    run_tokens: RunTokens
    vault: Vault
    login: Login
    devices: Devices
    service_tokens: ServiceTokens
    oidc: Oidc | None
    sessions: Sessions
    http: aiohttp.ClientSession
    logs: aiohttp.ClientSession
    numbering: asyncio.Lock
    tail: Tail
    nats: Nats
    vitals: ServiceTelemetry
    desk: SubscriptionResources


@dataclass(frozen=True)
class RequestContext:
    resources: Resources
    request: web.Request
    user: User | None

    @property
    def caller(self) -> User:
        """For handlers of routes that ask for a token."""
        if self.user is None:
            raise RuntimeError("this route is public: nobody in particular calls it")
        return self.user

    @property
    def address(self) -> str:
        """Where the caller is, as bounds count it."""
        told = self.request.headers.getall("X-Forwarded-For", [])
        proxies = self.resources.config.trusted_proxies
        return address.of_caller(self.request.remote or "", told, proxies)

    @property
    def context(self) -> Context:
        """Under which this call appends."""
        id = self.request[REQUEST_ID]
        return Context(source="api", actor=str(self.caller.id), correlation=id)

    async def visible(self, seq: int, id: object) -> None:
        """Returns once reads show the event at `seq` (I1); else says that `id` is accepted."""
        try:
            await self.resources.position.reached(seq, VISIBLE_WITHIN)
        except TimeoutError:
            raise not_visible_yet(id) from None
