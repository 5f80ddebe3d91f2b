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

SCHEMA = "identity"
_CACHE_SECONDS = 5.0  # a disabled account's tokens may go on to work for so long
_MAX_CACHED = 10_000
_MAX_SKEW_SECONDS = 2.0  # between the database's clock and ours, which are waited for
_LOCK = 0x526F6E6449  # any number that nobody else on this database locks with

_FIELDS = "id, email, username, admin, enabled, created_at"
_ADMINISTRATORS = "SELECT count(*) FROM account WHERE admin AND enabled"
_COLUMNS = f"SELECT {_FIELDS} FROM account "  # noqa: S608 - a constant


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
            f"""INSERT INTO account (id, email, username, password, admin)
            SELECT $1, $2, CASE WHEN EXISTS (
                SELECT FROM account WHERE lower(username) = lower($3)) THEN $2 ELSE $3 END, $4, $5
            ON CONFLICT DO NOTHING RETURNING {_FIELDS}""",  # noqa: S608 - a constant
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
            if await connection.fetchval("SELECT count(*) FROM account WHERE admin"):
                return None
            return await self.create(email, password, admin=True)

    async def disable(self, id: UUID) -> None:
        await self.set_enabled(id, False)

    async def set_enabled(self, id: UUID, enabled: bool) -> User:
        """Disabling ends all their tokens, also if they are enabled again.

        Rejected("not_found"), or Rejected("conflict") for the last administrator.
        """
        if enabled:
            return await self._update(id, "enabled = $2", True)
        return await self._without_tokens(id, "enabled = $2", False)

    async def set_admin(self, id: UUID, admin: bool) -> User:
        """Rejected("not_found"), or Rejected("conflict") for the last administrator."""
        return await self._update(id, "admin = $2", admin)

    async def set_password(self, id: UUID, password: str) -> User:
        """Ends all their tokens. Rejected("not_found")."""
        hash = await self._passwords.hash(password)
        return await self._without_tokens(id, "password = $2", hash)

    async def _without_tokens(self, id: UUID, assignments: str, value: object) -> User:
        """Tokens name the whole second in which they were issued, so all of this one end with it.

        Returns in the next, from which on they are good.
        """
        end = "tokens_from = date_trunc('second', now()) + interval '1 second'"
        user = await self._update(id, f"{assignments}, {end}", value)
        moment = await self._database.fetchval("SELECT tokens_from FROM account WHERE id = $1", id)
        left = moment.timestamp() - time.time()
        await asyncio.sleep(min(max(left, 0.0), _MAX_SKEW_SECONDS))
        return user

    async def _update(self, id: UUID, assignments: str, value: object) -> User:
        """Rejected("conflict") where no administrator would be left."""
        update = f"UPDATE account SET {assignments} WHERE id = $1 RETURNING {_FIELDS}"  # noqa: S608
        async with self._database.exclusive(_LOCK) as connection:
            row = await connection.fetchrow(update, id, value)
            if row is None:
                raise Rejected("not_found", f"id: there is no user {id}; see users/query")
            if not await connection.fetchval(_ADMINISTRATORS):
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
            f"SELECT {_FIELDS}, tokens_from, issuer FROM account WHERE id = $1 AND enabled",  # noqa: S608
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
            """INSERT INTO account (id, email, username, password, admin, issuer)
            VALUES ($1, $2, $2, '', $3, $4) ON CONFLICT DO NOTHING""",
            id,
            email,
            bool(admin),
            issuer,
        )
        await self._database.execute(
            "UPDATE account SET admin = $3 WHERE id = $1 AND issuer = $2 AND admin <> $3",
            id,
            issuer,
            admin,
        )
        cached = await self._look_up(id)
        return cached.user if cached.issuer == issuer else None

    async def everybody(self) -> list[User]:
        """All users in the order of their emails, disabled or not."""
        return [
            User(*row) for row in await self._database.fetch(_COLUMNS + "ORDER BY lower(email)")
        ]

    async def by_email(self, email: str) -> User | None:
        """As they are now, disabled or not."""
        row = await self._database.fetchrow(
            _COLUMNS + "WHERE lower(email) = lower($1)", email.replace("\0", "\ufffd")
        )
        return User(*row) if row else None

    async def by_ids(self, ids: Sequence[UUID]) -> list[User]:
        """Those that exist, disabled or not, in the order of their emails."""
        rows = await self._database.fetch(
            _COLUMNS + "WHERE id = ANY ($1) ORDER BY lower(email)", ids
        )
        return [User(*row) for row in rows]

    async def with_password(self, login: str, password: str, *, known: bool = True) -> User | None:
        """The enabled user of that email or name, if it is their password.

        An unknown name takes as long as a wrong password. Raises Busy for who is not `known` when
        too many wait to be told (identity/turns.py).
        """
        row = await self._database.fetchrow(
            """SELECT id, email, username, admin, enabled, created_at, password FROM account
            WHERE lower($1) IN (lower(email), lower(username)) AND enabled
            ORDER BY lower(email) = lower($1) DESC LIMIT 1""",
            login.replace("\0", "\ufffd"),  # Postgres takes no NUL
        )
        if row is None:
            await self._passwords.hash(password, known=known)
            return None
        *fields, hash = row
        good = await self._passwords.matches(hash, password, known=known)
        return User(*fields) if good else None
