"""What the handler of a route gets: the caller, the request, and the resources of the service."""

from dataclasses import dataclass

from aiohttp import web

from libs.identity.users import User
from libs.service import address
from services.api.access.identity import Identity
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.gateway import Gateway
from services.api.resources import Contents, Resources, Runtime
from services.webhooks.resources import WebhookResources

REQUEST_ID = web.RequestKey("request_id", str)
IDEMPOTENCY_KEY = "Idempotency-Key"


@dataclass(frozen=True)
class RequestContext:
    """One request. `signed_in` is None on public routes."""

    resources: Resources
    request: web.Request
    signed_in: User | None

    @property
    def user(self) -> User:
        """The user, for handlers of routes that need a token. RuntimeError on a public route."""
        if self.signed_in is None:
            raise RuntimeError("this route is public: nobody in particular calls it")
        return self.signed_in

    @property
    def caller(self) -> Caller:
        """The user as commands take them, without HTTP."""
        key = self.request.headers.get(IDEMPOTENCY_KEY)
        return Caller(self.user, self.request[REQUEST_ID], key)

    @property
    def address(self) -> str:
        """The address of the caller, as limits count it (libs/service/address.py)."""
        forwarded = self.request.headers.getall("X-Forwarded-For", [])
        proxies = self.runtime.config.trusted_proxies
        return address.of_caller(self.request.remote or "", forwarded, proxies)

    @property
    def store(self) -> Store:
        return self.resources.store

    @property
    def identity(self) -> Identity:
        return self.resources.identity

    @property
    def contents(self) -> Contents:
        return self.resources.contents

    @property
    def runtime(self) -> Runtime:
        return self.resources.runtime

    @property
    def gateway(self) -> Gateway:
        return self.resources.gateway

    @property
    def webhooks(self) -> WebhookResources:
        return self.resources.webhooks
