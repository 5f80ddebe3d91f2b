"""One attempt to deliver: a signed POST, and what became of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from services.webhooks import signature
from services.webhooks.egress import Egress
from services.webhooks.endpoint import Endpoint

MEDIA_TYPE = "application/cloudevents+json"
_MAX_READ_BYTES = 4096  # bytes of an answer, so that the connection can be used again
_MAX_PROBLEM_LENGTH = 200


class Outcome(msgspec.Struct, frozen=True):
    """`status` is what the receiver answered, if it did; `problem` is empty when it took it."""

    milliseconds: int
    status: int | None = None
    problem: str = ""

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the event."""
        return not self.problem


class Sender:
    """Posts events, each within `timeout` seconds, to addresses that `egress` permits."""

    def __init__(self, session: aiohttp.ClientSession, egress: Egress, timeout: float) -> None:
        self._session = session
        self.egress = egress
        self._timeout = timeout

    async def send(self, endpoint: Endpoint, id: str, body: bytes) -> Outcome:
        """Posts a signed body with the message id `id`. A failure is an outcome, not an
        exception; its text does not show the URL."""
        began = time.monotonic()
        status, problem = None, ""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._post(endpoint, id, body)
        except TimeoutError:
            problem = f"no answer within {self._timeout:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            problem = _describe(error)
        if status is not None and not 200 <= status < 300:
            problem = f"the receiver answered {status}"
        return Outcome(int((time.monotonic() - began) * 1000), status, problem)

    async def _post(self, endpoint: Endpoint, id: str, body: bytes) -> int:
        headers = signature.headers(endpoint.secret, id, int(time.time()), body)
        async with self._session.post(
            endpoint.url,
            data=body,
            headers={**headers, "Content-Type": MEDIA_TYPE, "User-Agent": "Rondo"},
            allow_redirects=False,
        ) as response:
            if (response.content_length or 0) <= _MAX_READ_BYTES:
                await response.content.read(_MAX_READ_BYTES)
            return response.status


@asynccontextmanager
async def open_sender(egress: Egress, timeout: float) -> AsyncIterator[Sender]:
    """A sender with a session of its own, without cookies, proxies or anything else of the
    environment's. `timeout` is in seconds."""
    async with aiohttp.ClientSession(
        connector=egress.connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    ) as session:
        yield Sender(session, egress, timeout)


def _describe(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorError():
            return f"can't connect: {error.os_error}"[:_MAX_PROBLEM_LENGTH]
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "the connection broke"
    return f"no answer that can be read ({type(error).__name__})"
