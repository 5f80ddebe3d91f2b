"""Requests to the API: who asks, what may be tried again, what an answer means."""

import os
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from rondo import sse, wire
from rondo.aio.auth import AsyncAuth
from rondo.aio.transport import AsyncTransport, sleep
from rondo.credentials import Credentials
from rondo.errors import EntityNotFoundError, NotVisibleYet, Unavailable, Unreachable
from rondo.multipart import Upload

PATIENCE = 4.0  # s that a call goes on trying while the platform is away
AWAY = 60.0  # s that a wait does
_FIRST, _LONGEST = 0.1, 5.0  # s between two tries


class AsyncSession:
    """What may be done twice is tried again while the platform is away; other commands only when
    none was sent."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float, credentials: Credentials) -> None:
        self._transport = AsyncTransport(endpoint, timeout)
        self.auth = AsyncAuth(self._transport, credentials)

    async def read(self, path: str, body: object, patience: float = PATIENCE) -> Any:
        """What a question is answered. `patience` is in seconds."""
        return await self._answered(wire.post(f"/v1/api/{path}", body, {}, True), patience)

    async def get(self, path: str) -> Any:
        """What is read at `path`, from the root on."""
        return await self._answered(wire.Request("GET", path, {}, repeatable=True), PATIENCE)

    async def created(self, path: str, body: object) -> Any:
        """What has just been created: it is there, even if it can't be read yet."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await self.read(path, body)
            except EntityNotFoundError:
                if time.monotonic() > deadline:
                    raise
            await sleep(_FIRST)

    async def command(self, path: str, body: object, repeatable: bool = False) -> Any:
        """`repeatable` is what done twice is done once."""
        request = wire.post(f"/v1/api/{path}", body, _key(), repeatable)
        return await self._answered(request, PATIENCE)

    async def create(self, path: str, body: object, field: str = "id") -> str:
        """The new thing's id, also when it is not visible yet; `field` is what answers call it.

        `path` must be one that heeds the key: sent again, it creates nothing more.
        """
        return str((await self.creation(path, body, field))[field])

    async def creation(self, path: str, body: object, field: str = "id") -> dict[str, Any]:
        """As `create`, with all that the answer says; the id alone when it is not visible yet."""
        try:
            answer: dict[str, Any] = await self.command(path, body, repeatable=True)
        except NotVisibleYet as lag:
            return {field: lag.id}
        return answer

    async def upload(self, path: str, body: Upload) -> str:
        """The new thing's id, also when it is not visible yet."""
        headers = {"Content-Type": body.content_type, **_key()}
        request = wire.Request("POST", f"/v1/api/{path}", headers, body, repeatable=True)
        try:
            return str((await self._answered(request, PATIENCE))["id"])
        except NotVisibleYet as lag:
            return lag.id

    async def follow(self, path: str, last: str = "") -> AsyncGenerator[sse.Event, None]:
        """Server-sent events at `path`, those after the one with the id `last`, for as long as the
        caller takes them. A connection that is lost is made again after the last of them;
        Unavailable once the platform has been away for AWAY seconds."""
        away, pause = None, _FIRST
        while True:
            parser = sse.Parser(last)
            try:
                async with aclosing(self._stream(path, last)) as pieces:
                    async for piece in pieces:
                        away, pause = None, _FIRST
                        for event in parser.feed(piece):
                            yield event
            except Unavailable:
                away = away or time.monotonic()
                if time.monotonic() - away > AWAY:
                    raise
            last = parser.last
            await _rest(pause)
            pause = min(2 * pause, _LONGEST)

    async def _stream(self, path: str, last: str) -> AsyncGenerator[bytes, None]:
        headers = {"Accept": "text/event-stream", **await self.auth.auth_header()}
        if last:
            headers["Last-Event-ID"] = last
        async with aclosing(self._transport.stream(wire.Request("GET", path, headers))) as pieces:
            async for piece in pieces:
                yield piece

    async def _answered(self, request: wire.Request, patience: float) -> Any:
        deadline, pause = time.monotonic() + patience, _FIRST
        while True:
            try:
                known = await self.auth.auth_header()
                sent = request._replace(headers={**request.headers, **known})
                return (await self._transport.send(sent)).json()
            except NotVisibleYet:
                raise
            except Unavailable as away:
                harmless = request.repeatable or isinstance(away, Unreachable)
                if not harmless or time.monotonic() + pause > deadline:
                    raise
            await _rest(pause)
            pause = min(2 * pause, _LONGEST)


async def _rest(pause: float) -> None:
    await sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - only spreads the load


def _key() -> dict[str, str]:
    """Lets a server tell a command that comes again from one that is meant again."""
    return {"Idempotency-Key": os.urandom(16).hex()}
