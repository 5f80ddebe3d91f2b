"""The tokens that users call with: JWTs signed by the platform.

A token's issuer is checked by its path only: the platform's address may change (another port,
another name), and the signature says already that it is ours.
"""

import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec

from libs.domain.errors import Rejected
from libs.identity.signatures import BadSignature, SigningKeys
from libs.identity.users import User

REALM = "/auth/realms/master"
CLIENT = "sdk-client"
REFRESH_SECONDS = 24 * 3600

Kind = Literal["Bearer", "Refresh"]


class Claims(msgspec.Struct):
    iss: str
    sub: UUID
    exp: int
    iat: int
    typ: Kind


class Pair(msgspec.Struct, frozen=True):
    """What a login gives: tokens and the seconds that each is good for."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme


class Tokens:
    """Issues and reads them. `key` is PKCS8 PEM (see SigningKeys); access tokens are good for
    `access_seconds`, refresh tokens for a day."""

    def __init__(
        self,
        key: str,
        public_url: str,
        access_seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = SigningKeys(key)
        self.issuer = public_url.rstrip("/") + REALM
        self._access_seconds = access_seconds
        self._clock = clock

    def issue(self, user: User) -> Pair:
        """What a login gives."""
        return Pair(
            self._sign(user, "Bearer", self._access_seconds),
            self._access_seconds,
            self._sign(user, "Refresh", REFRESH_SECONDS),
            REFRESH_SECONDS,
        )

    def subject(self, token: str, kind: Kind) -> UUID:
        """The id of the user whose token it is; raises as `claims` does."""
        return self.claims(token, kind).sub

    def claims(self, token: str, kind: Kind) -> Claims:
        """What it says. Rejected("unauthorized") unless it is a valid one of that kind."""
        try:
            claims = msgspec.convert(self.keys.claims(token), Claims)
        except (BadSignature, msgspec.ValidationError) as error:
            raise _refused("is none of ours") from error
        if claims.typ != kind or urlsplit(claims.iss).path != REALM:
            raise _refused("is for something else")
        if claims.exp <= self._clock():
            raise _refused("has expired")
        return claims

    def _sign(self, user: User, kind: Kind, seconds: int) -> str:
        now = int(self._clock())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": str(user.id),
            "jti": str(uuid4()),
            "typ": kind,
            "azp": CLIENT,
            "iat": now,
            "exp": now + seconds,
            "email": user.email,
            "preferred_username": user.username,
        }
        return self.keys.sign(claims)


def _refused(problem: str) -> Rejected:
    return Rejected("unauthorized", f"Authorization: the token {problem}; log in again")
