"""The inference service, as the api calls it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import msgspec
from yarl import URL

from libs.domain.errors import Rejected, Unavailable
from libs.service.config import Secret

TOKEN_HEADER = "Rondo-Internal-Token"  # noqa: S105 - the name of a header
SEEN_TIMEOUT_SECONDS = 3.0
ACTIVITY_TIMEOUT_SECONDS = 1.0
_RECONNECT_SECONDS = 0.05
_CONNECT = aiohttp.ClientTimeout(total=None, connect=5.0)
_LOGS = aiohttp.ClientTimeout(total=None, connect=5.0, sock_read=180.0)
_AWAY = (aiohttp.ClientError, TimeoutError)

logger = logging.getLogger(__name__)


class Requests(msgspec.Struct, frozen=True):
    """Over the last minute; `p50` and `p99` are seconds to the answer, None without any."""

    requests_per_second: float
    errors_per_second: float
    p50: float | None
    p99: float | None


class ReplicaActivity(msgspec.Struct, frozen=True):
    """`status` is starting, running or draining."""

    id: UUID
    generation: int
    status: str
    memory_bytes: int


class Activity(msgspec.Struct, frozen=True):
    """What a deployment does at the moment: how many replicas it should have, and requests that
    wait and run."""

    desired: int
    waiting: int
    running: int
    requests: Requests
    replicas: list[ReplicaActivity]


class Gateway:
    """Calls over `session`, inferences over `inferring`, with our `token` where a call is none of a
    user. An inference is held for `hold` seconds while the service is away: it comes again."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        inferring: aiohttp.ClientSession,
        token: Secret,
        hold: float,
    ) -> None:
        self._session = session
        self._inferring = inferring
        self._token = token
        self._hold = hold

    async def infer(
        self, path: str, headers: Mapping[str, str], body: aiohttp.StreamReader | bytes | None
    ) -> aiohttp.ClientResponse:
        """The answer, of which nothing but the head is read. Unavailable if there is none."""
        until = time.monotonic() + self._hold
        while True:
            try:
                return await self._inferring.post(
                    URL(path.removeprefix("/"), encoded=True),
                    data=body,
                    headers=headers,
                    timeout=_CONNECT,
                    allow_redirects=False,
                    auto_decompress=False,
                    skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                )
            except _AWAY as error:
                # Nothing was sent to whom we could not connect to.
                absent = isinstance(error, aiohttp.ClientConnectorError)
                if not absent or time.monotonic() > until:
                    raise Unavailable(f"the inference service: {error!r}") from error
            await asyncio.sleep(_RECONNECT_SECONDS)

    @asynccontextmanager
    async def logs(self, what: str, asked: object) -> AsyncIterator[aiohttp.ClientResponse]:
        """What the inference service answers to a question about pipeline logs, a good answer.
        Rejected for a question that makes no sense; else Unavailable, also while it is read."""
        asking = self._session.post(
            f"internal/logs/{what}",
            data=msgspec.json.encode(asked),
            headers={TOKEN_HEADER: self._token.reveal()},
            timeout=_LOGS,
        )
        try:
            async with asking as answer:
                if answer.status == 400:
                    raise Rejected("invalid", (await answer.json())["msg"])
                if answer.status >= 300:
                    raise Unavailable(f"pipeline logs: {await answer.text()}")
                yield answer
        except _AWAY as error:
            raise Unavailable(f"the inference service: {error!r}") from error

    async def seen(self, seq: int) -> None:
        """Returns once no request is answered any more that an event up to `seq` has ended; after
        SEEN_TIMEOUT_SECONDS, or if the service is away, whatever it answers."""
        try:
            async with (
                asyncio.timeout(SEEN_TIMEOUT_SECONDS),
                self._session.get(
                    f"internal/seen?seq={seq}",
                    headers={TOKEN_HEADER: self._token.reveal()},
                ) as answer,
            ):
                if answer.status != 200:
                    logger.warning("inference has not seen %s yet: %s", seq, answer.status)
        except _AWAY as error:
            logger.warning("the inference service is away: %r", error)

    async def activity(self, deployment: UUID) -> Activity | None:
        """None where it is not served, or not known within ACTIVITY_TIMEOUT_SECONDS."""
        try:
            async with (
                asyncio.timeout(ACTIVITY_TIMEOUT_SECONDS),
                self._session.get(
                    f"internal/deployments/{deployment}",
                    headers={TOKEN_HEADER: self._token.reveal()},
                ) as answer,
            ):
                body = await answer.read()
                return msgspec.json.decode(body, type=Activity) if answer.status == 200 else None
        except (*_AWAY, msgspec.DecodeError) as error:
            logger.info("of deployment %s nothing is known now: %r", deployment, error)
            return None
