"""Who may log in: rows in a schema of their own, which commits to disk."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from libs.postgres.pool import Database
from services.api.identity.passwords import Passwords

SCHEMA = "identity"
_KNOWN_FOR = 5.0  # seconds that a disabled account's tokens may go on to work
_MOST_KNOWN = 10_000
_LOCK = 0x526F6E6449  # any number that nobody else on this database locks with

_COLUMNS = "SELECT id, email, username, admin, enabled, created_at FROM account "


class User(msgspec.Struct, frozen=True):
    id: UUID
    email: str
    username: str
    admin: bool
    enabled: bool
    created_at: datetime


class Users:
    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._passwords = Passwords()
        self._clock = clock
        self._known: dict[UUID, tuple[float, User | None]] = {}

    async def create(self, email: str, password: str, *, admin: bool = False) -> User:
        """The part of the email before the @ is the user's name, as long as it is free."""
        hash = await self._passwords.hashed(password)
        name = email.partition("@")[0]
        row = await self._database.fetchrow(
            """INSERT INTO account (id, email, username, password, admin)
            SELECT $1, $2, CASE WHEN EXISTS (
                SELECT FROM account WHERE lower(username) = lower($3)) THEN $2 ELSE $3 END, $4, $5
            RETURNING id, email, username, admin, enabled, created_at""",
            uuid4(),
            email,
            name,
            hash,
            admin,
        )
        return User(*row)

    async def ensure_admin(self, email: str, password: str) -> User | None:
        """The first administrator, unless there is one."""
        async with self._database.exclusive(_LOCK) as connection:
            if await connection.fetchval("SELECT count(*) FROM account WHERE admin"):
                return None
            return await self.create(email, password, admin=True)

    async def disable(self, id: UUID) -> None:
        await self._database.execute("UPDATE account SET enabled = false WHERE id = $1", id)
        self._known.pop(id, None)

    async def by_id(self, id: UUID) -> User | None:
        """As they are now, or were a few seconds ago; none when they are not, or disabled."""
        now = self._clock()
        until, user = self._known.get(id, (0.0, None))
        if until <= now:
            row = await self._database.fetchrow(_COLUMNS + "WHERE id = $1 AND enabled", id)
            user = User(*row) if row else None
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[id] = now + _KNOWN_FOR, user
        return user

    async def by_email(self, email: str) -> User | None:
        """As they are now, disabled or not."""
        row = await self._database.fetchrow(_COLUMNS + "WHERE lower(email) = lower($1)", email)
        return User(*row) if row else None

    async def by_ids(self, ids: Sequence[UUID]) -> list[User]:
        """Those that exist, disabled or not, in the order of their emails."""
        rows = await self._database.fetch(
            _COLUMNS + "WHERE id = ANY ($1) ORDER BY lower(email)", ids
        )
        return [User(*row) for row in rows]

    async def with_password(self, login: str, password: str) -> User | None:
        """The enabled user of that email or name, if it is their password.

        An unknown name takes as long as a wrong password.
        """
        row = await self._database.fetchrow(
            """SELECT id, email, username, admin, enabled, created_at, password FROM account
            WHERE lower($1) IN (lower(email), lower(username)) AND enabled
            ORDER BY lower(email) = lower($1) DESC LIMIT 1""",
            login.replace("\0", "\ufffd"),  # Postgres takes no NUL
        )
        if row is None:
            await self._passwords.hashed(password)
            return None
        *fields, hash = row
        return User(*fields) if await self._passwords.matches(hash, password) else None
