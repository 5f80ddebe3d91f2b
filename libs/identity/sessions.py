"""Who is signed in with which browser: a random cookie, of which we keep the SHA-256."""

import secrets
from datetime import timedelta
from hashlib import sha256

from libs.identity.users import User, Users
from libs.postgres.pool import Database

LIFETIME = timedelta(days=7)


class Sessions:
    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def start(self, user: User) -> str:
        """Begins a session of seven days; gives the cookie's value, of which a hash is kept."""
        await self._database.execute("DELETE FROM browser_session WHERE expires_at < now()")
        secret = secrets.token_urlsafe(32)
        await self._database.execute(
            "INSERT INTO browser_session (digest, account, expires_at) VALUES ($1, $2, now() + $3)",
            _digest(secret),
            user.id,
            LIFETIME,
        )
        return secret

    async def user(self, secret: str) -> User | None:
        """Whose browser it is.

        None when the session has ended, be it by another password, or the user is disabled.
        """
        id = await self._database.fetchval(
            """SELECT session.account FROM browser_session AS session
            JOIN account ON account.id = session.account
            WHERE digest = $1 AND expires_at >= now() AND session.created_at >= tokens_from""",
            _digest(secret),
        )
        return await self._users.by_id(id) if id else None

    async def end(self, secret: str) -> None:
        """Once more does nothing."""
        await self._database.execute(
            "DELETE FROM browser_session WHERE digest = $1", _digest(secret)
        )


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
