"""Tokens that programs call with: random, good for some workspaces, until they are revoked."""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

import msgspec

from libs.cache.bounded import BoundedCache
from libs.postgres.pool import Database
from libs.postgres.statements import load

_PREFIX = "rnd_"
_CACHE_SECONDS = 5.0  # a revoked token may go on to work for so long
_MAX_CACHED = 10_000
_SQL = load(__name__)


class ServiceToken(msgspec.Struct, frozen=True):
    """All but the token itself, which nobody keeps."""

    id: UUID
    name: str
    owner: UUID
    workspaces: list[int]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def is_one(token: str) -> bool:
    """Whether it has the form of a service token, which proves nothing yet."""
    return token.startswith(_PREFIX)


class ServiceTokens:
    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._cache: BoundedCache[bytes, tuple[float, ServiceToken | None]] = BoundedCache(
            _MAX_CACHED
        )

    async def create(
        self, name: str, owner: UUID, workspaces: Sequence[int], expires_at: datetime | None
    ) -> tuple[ServiceToken, str]:
        """The row that is kept, and the token itself, which is shown this once.

        Without `expires_at` it is good until it is revoked.
        """
        token = _PREFIX + secrets.token_urlsafe(32)  # 256 bits
        row = await self._database.fetchrow(
            _SQL["create_token"],
            uuid4(),
            _digest(token),
            name,
            owner,
            list(workspaces),
            expires_at,
        )
        return ServiceToken(*row), token

    async def of(self, owner: UUID | None) -> list[ServiceToken]:
        """The tokens of `owner`, or everybody's for None, oldest first; revoked ones too."""
        if owner is None:
            rows = await self._database.fetch(_SQL["all_tokens"])
        else:
            rows = await self._database.fetch(_SQL["tokens_of_owner"], owner)
        return [ServiceToken(*row) for row in rows]

    async def by_id(self, id: UUID) -> ServiceToken | None:
        """None where there is none of that id."""
        row = await self._database.fetchrow(_SQL["find_token"], id)
        return ServiceToken(*row) if row else None

    async def revoke(self, id: UUID) -> ServiceToken:
        """Ends a token that exists. Other copies of the service take it for up to 5 s more."""
        row = await self._database.fetchrow(_SQL["revoke_token"], id)
        self._cache.clear()
        return ServiceToken(*row)

    async def known(self, token: str) -> ServiceToken | None:
        """The row of a token that is good now, or was at most 5 s ago; None for any other text."""
        digest, now = _digest(token), self._clock()
        until, entry = self._cache.get(digest, (0.0, None))
        if until <= now:
            row = await self._database.fetchrow(_SQL["find_good_token"], digest)
            entry = ServiceToken(*row) if row else None
            self._cache[digest] = now + _CACHE_SECONDS, entry
        return entry


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
