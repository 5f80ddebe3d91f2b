"""A webhook's receiver: takes what is sent to it, or refuses as the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from libs.service.http import serving
from tests.platform import PATIENCE
from tests.servers import free_port


@dataclass(frozen=True)
class Hook:
    """A request as it came."""

    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    def verify(self, secret: str) -> None:
        """By the library of those who wrote the specification. Raises WebhookVerificationError."""
        Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """`answer` says the status for an event; `hooks` are all requests, refused ones too."""

    port: int = field(default_factory=free_port)
    answer: Callable[[Any], int] = lambda _: 204
    hooks: list[Hook] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cr3t-in-the-path"

    @property
    def taken(self) -> list[Hook]:
        return [hook for hook in self.hooks if hook.status == 204]

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answer(json.loads(body))
        self.hooks.append(Hook(request.headers, body, status))
        self._came.set()
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not fact():
                self._came.clear()
                await self._came.wait()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", self._hook)
        async with serving(app, f"127.0.0.1:{self.port}"):
            yield self
