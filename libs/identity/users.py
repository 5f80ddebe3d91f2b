"""Who may log in: rows in a schema of their own, which commits to disk."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec

from libs.cache.bounded import BoundedCache
from libs.domain.errors import Rejected
from libs.identity.passwords import Passwords
from libs.postgres.pool import Database
from libs.postgres.statements import load

SCHEMA = "identity"
_CACHE_SECONDS = 5.0  # a disabled account's tokens may go on to work for so long
_MAX_CACHED = 10_000
_MAX_SKEW_SECONDS = 2.0  # between the database's clock and ours, which are waited for
_LOCK = 0x526F6E6449  # any number that nobody else on this database locks with

_SQL = load(__name__)


class User(msgspec.Struct, frozen=True):
    id: UUID
    email: str
    username: str
    admin: bool
    enabled: bool
    created_at: datetime


class _CachedUser(msgspec.Struct, frozen=True):
    """A user as they were lately; `user` is None where there is none, or a disabled one."""

    until: float
    user: User | None = None
    tokens_from: datetime = datetime.min.replace(tzinfo=UTC)
    issuer: str = ""


class Users:
    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._passwords = Passwords()
        self._clock = clock
        self._cache: BoundedCache[UUID, _CachedUser] = BoundedCache(_MAX_CACHED)

    async def create(self, email: str, password: str, *, admin: bool = False) -> User:
        """A new user, with the part of the email before the @ as name as long as that is free.

        Rejected("conflict") when the email is taken.
        """
        hash = await self._passwords.hash(password)
        name = email.partition("@")[0]
        row = await self._database.fetchrow(
            _SQL["create_user"],
            uuid4(),
            email,
            name,
            hash,
            admin,
        )
        if row is None:
            raise Rejected("conflict", f"email: there is a user {email}; choose another")
        return User(*row)

    async def ensure_admin(self, email: str, password: str) -> User | None:
        """Creates the first administrator; None where there is one already."""
        async with self._database.exclusive(_LOCK) as connection:
            if await connection.fetchval(_SQL["has_administrator"]):
                return None
            return await self.create(email, password, admin=True)

    async def disable(self, id: UUID) -> None:
        await self.set_enabled(id, False)

    async def set_enabled(self, id: UUID, enabled: bool) -> User:
        """Disabling ends all their tokens, also if they are enabled again.

        Rejected("not_found"), or Rejected("conflict") for the last administrator.
        """
        if enabled:
            return await self._update(_SQL["enable_user"], id)
        return await self._without_tokens(_SQL["disable_user"], id)

    async def set_admin(self, id: UUID, admin: bool) -> User:
        """Rejected("not_found"), or Rejected("conflict") for the last administrator."""
        return await self._update(_SQL["set_admin"], id, admin)

    async def set_password(self, id: UUID, password: str) -> User:
        """Ends all their tokens. Rejected("not_found")."""
        hash = await self._passwords.hash(password)
        return await self._without_tokens(_SQL["set_password"], id, hash)

    async def _without_tokens(self, statement: str, id: UUID, *values: object) -> User:
        """Returns in the next second, from which on their tokens are good (see the statements)."""
        user = await self._update(statement, id, *values)
        moment = await self._database.fetchval(_SQL["tokens_from"], id)
        left = moment.timestamp() - time.time()
        await asyncio.sleep(min(max(left, 0.0), _MAX_SKEW_SECONDS))
        return user

    async def _update(self, statement: str, id: UUID, *values: object) -> User:
        """Rejected("conflict") where no administrator would be left."""
        async with self._database.exclusive(_LOCK) as connection:
            row = await connection.fetchrow(statement, id, *values)
            if row is None:
                raise Rejected("not_found", f"id: there is no user {id}; see users/query")
            if not await connection.fetchval(_SQL["has_enabled_administrator"]):
                raise Rejected("conflict", "id: the last administrator; make another one first")
        self._cache.pop(id, None)
        return User(*row)

    async def by_id(self, id: UUID, issued: float | None = None) -> User | None:
        """The enabled user of that id, as they are now or were at most 5 s ago.

        None where there is none. With `issued`, in seconds since 1970, None too when their tokens
        of then have been ended.
        """
        cached = self._cache.get(id)
        if cached is None or cached.until <= self._clock():
            cached = await self._look_up(id)
        # Tokens name whole seconds.
        if issued is not None and issued < math.floor(cached.tokens_from.timestamp()):
            return None
        return cached.user

    async def _look_up(self, id: UUID) -> _CachedUser:
        until = self._clock() + _CACHE_SECONDS
        row = await self._database.fetchrow(
            _SQL["find_enabled_user"],
            id,
        )
        cached = _CachedUser(until, User(*row[:-2]), *row[-2:]) if row else _CachedUser(until)
        self._cache[id] = cached
        return cached

    async def vouched_for(
        self, issuer: str, id: UUID, email: str, admin: bool | None
    ) -> User | None:
        """The enabled user whom another issuer vouches for, made when they first come.

        None when the id or the email is somebody else's. `admin` None leaves that to us.
        """
        cached = self._cache.get(id)
        if (
            cached
            and cached.user
            and cached.until > self._clock()
            and cached.issuer == issuer
            and admin in (None, cached.user.admin)
        ):
            return cached.user
        await self._database.execute(
            _SQL["create_vouched_user"],
            id,
            email,
            bool(admin),
            issuer,
        )
        await self._database.execute(_SQL["set_vouched_admin"], id, issuer, admin)
        cached = await self._look_up(id)
        return cached.user if cached.issuer == issuer else None

    async def everybody(self) -> list[User]:
        """All users in the order of their emails, disabled or not."""
        return [User(*row) for row in await self._database.fetch(_SQL["all_users"])]

    async def by_email(self, email: str) -> User | None:
        """As they are now, disabled or not."""
        row = await self._database.fetchrow(
            _SQL["find_user_by_email"], email.replace("\0", "\ufffd")
        )
        return User(*row) if row else None

    async def by_ids(self, ids: Sequence[UUID]) -> list[User]:
        """Those that exist, disabled or not, in the order of their emails."""
        rows = await self._database.fetch(_SQL["find_users"], ids)
        return [User(*row) for row in rows]

    async def with_password(self, login: str, password: str, *, known: bool = True) -> User | None:
        """The enabled user of that email or name, if it is their password.

        An unknown name takes as long as a wrong password. Raises Busy for who is not `known` when
        too many wait to be told (identity/turns.py).
        """
        row = await self._database.fetchrow(
            _SQL["find_login"],
            login.replace("\0", "\ufffd"),  # Postgres takes no NUL
        )
        if row is None:
            await self._passwords.hash(password, known=known)
            return None
        *fields, hash = row
        good = await self._passwords.matches(hash, password, known=known)
        return User(*fields) if good else None
