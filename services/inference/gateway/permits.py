"""Who calls, and whether they may: the api knows, and is asked once in a few seconds.

Tokens are kept as the keys of answers, in memory and no longer than those.
"""

import asyncio
import time
from uuid import UUID

import aiohttp
import msgspec

from libs.cache.bounded import BoundedCache
from libs.service.config import Secret
from services.inference.gateway.errors import NoAnswer, refusal

MAX_SECONDS = 5.0
MAX_PERMITS = 20_000
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_PATH = "internal/inference/permit"
AWAY = (aiohttp.ClientError, TimeoutError)

Key = tuple[str, str, str]


class Permit(msgspec.Struct, frozen=True, gc=False):
    """`expires_at` is in seconds since 1970."""

    workspace: int
    pipeline: UUID
    deployment: UUID
    user: str
    run: UUID | None
    expires_at: float


_decode = msgspec.json.Decoder(Permit).decode


class Permits:
    """Asks over `session`, whose base is the api."""

    def __init__(self, session: aiohttp.ClientSession, token: Secret) -> None:
        self._session = session
        self._token = token
        self._known: BoundedCache[Key, tuple[float, Permit]] = BoundedCache(MAX_PERMITS)
        self._asking: dict[Key, asyncio.Task[Permit]] = {}

    def known(self, key: Key) -> Permit | None:
        """What was answered a moment ago: `key` is header Authorization, deployment, pipeline."""
        entry = self._known.get(key)
        if entry is None or entry[0] < time.time():
            return None
        return entry[1]

    async def ask(self, key: Key) -> Permit:
        """Raises NoAnswer with what the api says to the caller. Callers with the same key wait for
        the same answer."""
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _ask(self, key: Key) -> Permit:
        authorization, deployment, pipeline = key
        headers = {"Rondo-Internal-Token": self._token.reveal()}
        if authorization:
            headers["Authorization"] = authorization
        query = {"deployment": deployment, "pipeline": pipeline}
        try:
            async with self._session.get(
                _PATH, params=query, headers=headers, timeout=_TIMEOUT
            ) as answer:
                body = await answer.read()
        except AWAY as error:
            text = "who may call can't be asked at the moment; try again"
            raise refusal(503, text) from error
        if answer.status != 200:
            raise NoAnswer(answer.status, body)
        permit = _decode(body)
        until = min(permit.expires_at, time.time() + MAX_SECONDS)
        self._known[key] = (until, permit)
        return permit
