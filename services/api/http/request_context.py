"""What a route's handler gets: who calls, the request, and what the service has opened."""

from dataclasses import dataclass

from aiohttp import web

from libs.identity.users import User
from libs.service import address
from services.api.access.identity import Identity
from services.api.append.caller import Caller
from services.api.append.store import Store
from services.api.resources import Contents, Resources, Runtime
from services.webhooks.resources import WebhookResources

REQUEST_ID = web.RequestKey("request_id", str)
IDEMPOTENCY_KEY = "Idempotency-Key"


@dataclass(frozen=True)
class RequestContext:
    """`signed_in` is none on public routes."""

    resources: Resources
    request: web.Request
    signed_in: User | None

    @property
    def user(self) -> User:
        """For handlers of routes that ask for a token."""
        if self.signed_in is None:
            raise RuntimeError("this route is public: nobody in particular calls it")
        return self.signed_in

    @property
    def caller(self) -> Caller:
        """The same for commands, which know nothing of HTTP."""
        key = self.request.headers.get(IDEMPOTENCY_KEY)
        return Caller(self.user, self.request[REQUEST_ID], key)

    @property
    def address(self) -> str:
        """Where the caller is, as bounds count it."""
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
    def webhooks(self) -> WebhookResources:
        return self.resources.webhooks
