"""The inference service, as the api calls it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from yarl import URL

from libs.domain.errors import Rejected, Unavailable
from libs.service.config import Secret

TOKEN_HEADER = "Rondo-Internal-Token"  # noqa: S105 - the name of a header
SEEN_TIMEOUT_SECONDS = 3.0
_CONNECT = aiohttp.ClientTimeout(total=None, connect=5.0)
_LOGS = aiohttp.ClientTimeout(total=None, connect=5.0, sock_read=180.0)
_AWAY = (aiohttp.ClientError, TimeoutError)

logger = logging.getLogger(__name__)


class Gateway:
    """Calls over `session`, with our `token` where a call is none of a user."""

    def __init__(self, session: aiohttp.ClientSession, token: Secret) -> None:
        self._session = session
        self._token = token

    async def infer(
        self, path: str, headers: Mapping[str, str], body: aiohttp.StreamReader | None
    ) -> aiohttp.ClientResponse:
        """The answer, of which nothing but the head is read. Unavailable if there is none."""
        try:
            return await self._session.post(
                URL(path.removeprefix("/"), encoded=True),
                data=body,
                headers=headers,
                timeout=_CONNECT,
                allow_redirects=False,
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        except _AWAY as error:
            raise Unavailable(f"the inference service: {error!r}") from error

    @asynccontextmanager
    async def logs(self, what: str, asked: object) -> AsyncIterator[aiohttp.ClientResponse]:
        """What the inference service answers to a question about pipeline logs, a good answer.
        Rejected for a question that makes no sense; else Unavailable."""
        try:
            answer = await self._session.post(
                f"internal/logs/{what}",
                data=msgspec.json.encode(asked),
                headers={TOKEN_HEADER: self._token.reveal()},
                timeout=_LOGS,
            )
        except _AWAY as error:
            raise Unavailable(f"the inference service: {error!r}") from error
        async with answer:
            if answer.status == 400:
                raise Rejected("invalid", (await answer.json())["msg"])
            if answer.status >= 300:
                raise Unavailable(f"pipeline logs: {await answer.text()}")
            yield answer

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
