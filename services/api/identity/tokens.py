"""The tokens that users call with: JWTs signed by the platform. The only file with joserfc.

A token's issuer is checked by its path only: the platform's address may change (another port,
another name), and the signature says already that it is ours.
"""

import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from libs.domain.errors import Rejected
from libs.service.config import Secret
from services.api.identity.users import User

REALM = "/auth/realms/master"
CLIENT = "sdk-client"
REFRESH_SECONDS = 24 * 3600

_ALGORITHMS = ["Ed25519"]  # RFC 9864's name; "EdDSA" is deprecated

Kind = Literal["Bearer", "Refresh"]


class _Claims(msgspec.Struct):
    iss: str
    sub: UUID
    exp: int
    typ: Kind


class Pair(msgspec.Struct, frozen=True):
    """What a login gives: tokens and the seconds that each is good for."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme


class Tokens:
    def __init__(
        self,
        key: Secret,
        public_url: str,
        access_seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = OKPKey.import_key(key.reveal())
        self._key_id = self._key.thumbprint()
        self._issuer = public_url.rstrip("/") + REALM
        self._access_seconds = access_seconds
        self._clock = clock

    def issue(self, user: User) -> Pair:
        return Pair(
            self._signed(user, "Bearer", self._access_seconds),
            self._access_seconds,
            self._signed(user, "Refresh", REFRESH_SECONDS),
            REFRESH_SECONDS,
        )

    def subject(self, token: str, kind: Kind) -> UUID:
        """Whose token it is; Rejected("unauthorized") unless it is a valid one of that kind."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=_ALGORITHMS)
            claims = msgspec.convert(decoded.claims, _Claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:  # made-up tokens
            raise _refused("is none of ours") from error
        if claims.typ != kind or urlsplit(claims.iss).path != REALM:
            raise _refused("is for something else")
        if claims.exp <= self._clock():
            raise _refused("has expired")
        return claims.sub

    def _signed(self, user: User, kind: Kind, seconds: int) -> str:
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "sub": str(user.id),
            "jti": str(uuid4()),
            "typ": kind,
            "azp": CLIENT,
            "iat": now,
            "exp": now + seconds,
            "email": user.email,
            "preferred_username": user.username,
        }
        header = {"alg": _ALGORITHMS[0], "kid": self._key_id}
        return jwt.encode(header, claims, self._key, algorithms=_ALGORITHMS)


def _refused(problem: str) -> Rejected:
    return Rejected("unauthorized", f"Authorization: the token {problem}; log in again")
