"""Who is signed in with which browser: a random cookie, of which we keep the SHA-256."""

import secrets
from datetime import timedelta
from hashlib import sha256

from libs.identity.users import User, Users
from libs.postgres.pool import Database
from libs.postgres.statements import load

LIFETIME = timedelta(days=7)

_SQL = load(__name__)


class Sessions:
    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def start(self, user: User) -> str:
        """Begins a session of seven days; gives the cookie's value, of which a hash is kept."""
        await self._database.execute(_SQL["delete_expired_sessions"])
        secret = secrets.token_urlsafe(32)
        await self._database.execute(
            _SQL["start_session"],
            _digest(secret),
            user.id,
            LIFETIME,
        )
        return secret

    async def user(self, secret: str) -> User | None:
        """Whose browser it is.

        None when the session has ended, be it by another password, or the user is disabled.
        """
        id = await self._database.fetchval(_SQL["find_session_user"], _digest(secret))
        return await self._users.by_id(id) if id else None

    async def end(self, secret: str) -> None:
        """Once more does nothing."""
        await self._database.execute(_SQL["end_session"], _digest(secret))


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
