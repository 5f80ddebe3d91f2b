"""What a run's login says of its task's owner. Addresses are in no event, so the API is asked."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import aiohttp
import msgspec

from libs.domain.task import Task
from libs.runtoken.token import CLIENT, Grant, RunTokens, email_in
from services.executor.run_credentials import login

_log = logging.getLogger(__name__)

_PATH = "/auth/realms/master/protocol/openid-connect/token"
_PATIENCE = aiohttp.ClientTimeout(total=1.0)  # seconds in which an API that lives has answered
_FRESH, _AGAIN = 600.0, 30.0  # seconds until one is asked for anew, or where that has failed
_SPARE = 60  # seconds that a token to ask with is good
_REMEMBERED = 5_000


class _Known(NamedTuple):
    email: str | None
    until: float


class _Granted(msgspec.Struct):
    access_token: str


class Owners:
    """Their addresses. One that was asked for before keeps nobody waiting."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: RunTokens,
        url: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session, self._tokens, self._clock = session, tokens, clock
        self._url = url.rstrip("/") + _PATH
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[str | None]] = {}

    async def login(self, task: Task, run: UUID) -> dict[str, bytes]:
        """The files of a run's login; with an address made up while the API can't be asked."""
        grant = Grant(task.owner, task.workspace, task.id, run)
        return login(self._tokens, task, run, await self._email(grant))

    async def _email(self, grant: Grant) -> str | None:
        known = self._known.get(grant.owner)
        if known and self._clock() < known.until:
            return known.email
        asking = self._asking.get(grant.owner)
        if asking is None:
            asking = self._asking[grant.owner] = asyncio.create_task(self._ask(grant))
        return known.email if known else await asyncio.shield(asking)

    async def _ask(self, grant: Grant) -> str | None:
        """What the API says to a run of theirs that renews its token."""
        try:
            now = int(self._tokens.clock())
            form = {
                "grant_type": "refresh_token",
                "client_id": CLIENT,
                "refresh_token": self._tokens.sign(grant, "RunRefresh", "", now + _SPARE),
            }
            async with self._session.post(self._url, data=form, timeout=_PATIENCE) as answer:
                answer.raise_for_status()
                granted = msgspec.json.decode(await answer.read(), type=_Granted)
            email = email_in(granted.access_token)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # a time-out is an OSError
            _log.info("an owner's address is not known: %s", type(error).__name__)
            email = None
        finally:
            self._asking.pop(grant.owner, None)
        old = self._known.pop(grant.owner, None)
        while len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        until = self._clock() + (_FRESH if email else _AGAIN)
        known = self._known[grant.owner] = _Known(email or (old and old.email), until)
        return known.email
