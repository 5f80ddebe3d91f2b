"""Requests to the API: who sends them, which ones are tried again, what an answer means."""

import os
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from rondo import sse
from rondo.aio.auth import AsyncAuth
from rondo.aio.http_transport import AsyncTransport, sleep
from rondo.credentials import Credentials
from rondo.errors import (
    EntityNotFoundError,
    NotVisibleYet,
    RequestRefused,
    Unavailable,
    Unreachable,
)
from rondo.http_messages import Answer, Endpoint, Request, json_request
from rondo.multipart import Upload

CALL_PATIENCE_SECONDS = 4.0  # how long a call is tried again while the platform is away
WAIT_PATIENCE_SECONDS = 60.0  # the same for a wait, and for a stream
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.1, 5.0


class AsyncSession:
    """Sends requests, and tries them again while the platform is away.

    A request that may be sent twice is tried again after any failure of the connection; any other
    one only when the platform can't have received it. `path` is below `/v1/api/`, but for `get`
    and `follow`. Every method raises a RondoError when the platform refuses or stays away.
    """

    def __init__(self, endpoint: Endpoint, timeout: float, credentials: Credentials) -> None:
        self._transport = AsyncTransport(endpoint, timeout)
        self.auth = AsyncAuth(self._transport, credentials)

    async def read(self, path: str, body: object, patience: float = CALL_PATIENCE_SECONDS) -> Any:
        """The decoded answer to a question. `patience` is in seconds."""
        return (await self._send(json_request(f"/v1/api/{path}", body, {}, True), patience)).json()

    async def get(self, path: str) -> Any:
        """The decoded answer to a GET of `path`, which starts at the root."""
        request = Request("GET", path, {}, repeatable=True)
        return (await self._send(request, CALL_PATIENCE_SECONDS)).json()

    async def exchange(
        self, path: str, body: bytes, headers: dict[str, str], timeout: float = 0.0
    ) -> Answer:
        """The success that a POST to `path`, which starts at the root, is answered with.

        It is tried again for as long as a wait. `timeout` is in seconds, for each try; 0 is that
        of the client.
        """
        request = Request("POST", path, headers, (body,), True, timeout)
        return await self._send(request, WAIT_PATIENCE_SECONDS)

    async def graphql(self, document: str, variables: dict[str, Any]) -> Any:
        """The `data` of what a GraphQL document is answered with. It is sent once.

        Raises RequestRefused with the text of the first error.
        """
        body = {"query": document, "variables": variables}
        request = json_request("/v1/graphql", body, {}, False)
        answer = (await self._send(request, CALL_PATIENCE_SECONDS)).json()
        if problems := answer.get("errors"):
            raise RequestRefused(str(problems[0]["message"]), "graphql", 200)
        return answer["data"]

    async def read_new(self, path: str, body: object) -> Any:
        """As `read`, for a thing that has just been created: it is there, even if reads lag."""
        deadline = time.monotonic() + CALL_PATIENCE_SECONDS
        while True:
            try:
                return await self.read(path, body)
            except EntityNotFoundError:
                if time.monotonic() > deadline:
                    raise
            await sleep(_FIRST_PAUSE_SECONDS)

    async def command(self, path: str, body: object, repeatable: bool = False) -> Any:
        """The decoded answer to a command. `repeatable`: to do it twice is to do it once."""
        request = json_request(f"/v1/api/{path}", body, _idempotency_key(), repeatable)
        return (await self._send(request, CALL_PATIENCE_SECONDS)).json()

    async def create(self, path: str, body: object, field: str = "id") -> str:
        """The id of a new thing, also when reads do not show it yet.

        `field` is the name of the id in the answer. `path` must heed the idempotency key: a
        second request with it creates nothing more.
        """
        return str((await self.create_fully(path, body, field))[field])

    async def create_fully(self, path: str, body: object, field: str = "id") -> dict[str, Any]:
        """As `create`, with the whole answer; with the id alone when reads do not show it yet."""
        try:
            answer: dict[str, Any] = await self.command(path, body, repeatable=True)
        except NotVisibleYet as lag:
            return {field: lag.id}
        return answer

    async def upload(self, path: str, body: Upload) -> Any:
        """The decoded answer to an upload."""
        headers = {"Content-Type": body.content_type, **_idempotency_key()}
        request = Request("POST", f"/v1/api/{path}", headers, body, repeatable=True)
        return (await self._send(request, CALL_PATIENCE_SECONDS)).json()

    async def follow(self, path: str, last: str = "") -> AsyncGenerator[sse.Event, None]:
        """Server-sent events at `path`, after the one with the id `last`, without end.

        A lost connection is made again, after the last event received. Raises Unavailable once
        the platform has been away for WAIT_PATIENCE_SECONDS.
        """
        away_since, pause = None, _FIRST_PAUSE_SECONDS
        while True:
            parser = sse.Parser(last)
            try:
                async with aclosing(self._stream(path, last)) as pieces:
                    async for piece in pieces:
                        away_since, pause = None, _FIRST_PAUSE_SECONDS
                        for event in parser.feed(piece):
                            yield event
            except Unavailable:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > WAIT_PATIENCE_SECONDS:
                    raise
            last = parser.last
            await _sleep_about(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _stream(self, path: str, last: str) -> AsyncGenerator[bytes, None]:
        headers = {"Accept": "text/event-stream", **await self.auth.auth_header()}
        if last:
            headers["Last-Event-ID"] = last
        async with aclosing(self._transport.stream(Request("GET", path, headers))) as pieces:
            async for piece in pieces:
                yield piece

    async def _send(self, request: Request, patience: float) -> Answer:
        """A success; patience is in seconds."""
        deadline, pause = time.monotonic() + patience, _FIRST_PAUSE_SECONDS
        while True:
            try:
                login = await self.auth.auth_header()
                attempt = request._replace(headers={**request.headers, **login})
                return (await self._transport.send(attempt)).successful()
            except NotVisibleYet:
                raise
            except Unavailable as away:
                harmless = request.repeatable or isinstance(away, Unreachable)
                if not harmless or time.monotonic() + pause > deadline:
                    raise
            await _sleep_about(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)


async def _sleep_about(seconds: float) -> None:
    await sleep(seconds * random.uniform(0.7, 1.3))  # noqa: S311 - only spreads the load


def _idempotency_key() -> dict[str, str]:
    """The header by which the server tells a command sent again from a new one."""
    return {"Idempotency-Key": os.urandom(16).hex()}
