"""What a run's token says: for whom, which run of which task, in which workspace, until when.

It is a JWT in the form of users' tokens, by a key of its own: no user's key signs one, and it
passes for no user's token. Its header names the key `task`.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from libs.domain.errors import Rejected

KEY_ID = "task"
CLIENT = "sdk-client"

_REALM = "/auth/realms/master"
_ALGORITHMS = ["Ed25519"]  # RFC 9864's name; "EdDSA" is deprecated

Kind = Literal["Run", "RunRefresh"]


class Grant(msgspec.Struct, frozen=True):
    """`owner` is the id of the task's owner, as whom the run acts, in this one workspace."""

    owner: str
    workspace: int
    task: UUID
    run: UUID


class Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: UUID
    workspace: int
    task: UUID
    run: UUID
    exp: int
    typ: Kind

    @property
    def grant(self) -> Grant:
        return Grant(str(self.sub), self.workspace, self.task, self.run)


class _Told(msgspec.Struct):
    email: str | None = None


class _Header(msgspec.Struct):
    kid: str | None = None


def is_one(token: str) -> bool:
    """Whether it says that it is a run's; its signature is still to be checked."""
    header = token.partition(".")[0]
    try:
        told = urlsafe_b64decode(header + "=" * (-len(header) % 4))
        return msgspec.json.decode(told, type=_Header).kid == KEY_ID
    except (ValueError, RecursionError):
        return False


def email_in(token: str) -> str | None:
    """The address that it tells, unverified. Raises ValueError for what is no token."""
    try:
        payload = token.split(".")[1]
        told = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(told, type=_Told).email
    except IndexError as error:
        raise ValueError("a token has three parts") from error


class RunTokens:
    """`key` is an Ed25519 key as PKCS8 PEM, `public_url` where the API is called."""

    def __init__(self, key: str, public_url: str, clock: Callable[[], float] = time.time) -> None:
        self._key = OKPKey.import_key(key)
        self._issuer = public_url.rstrip("/") + _REALM
        self.clock = clock

    def sign(self, grant: Grant, kind: Kind, email: str, expires: int) -> str:
        """`expires` is in seconds since the epoch."""
        claims = {
            "iss": self._issuer,
            "sub": grant.owner,
            "workspace": grant.workspace,
            "task": str(grant.task),
            "run": str(grant.run),
            "typ": kind,
            "azp": CLIENT,
            "email": email,
            "jti": str(uuid4()),
            "iat": int(self.clock()),
            "exp": expires,
        }
        header = {"alg": _ALGORITHMS[0], "kid": KEY_ID}
        return jwt.encode(header, claims, self._key, algorithms=_ALGORITHMS)

    def claims(self, token: str, kind: Kind) -> Claims:
        """Rejected("unauthorized") unless it is a valid one of that kind."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=_ALGORITHMS)
            claims = msgspec.convert(decoded.claims, Claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:  # made-up tokens
            raise _refused("is none of ours") from error
        if claims.typ != kind or urlsplit(claims.iss).path != _REALM:
            raise _refused("is for something else")
        if claims.exp <= self.clock():
            raise _refused("has expired")
        return claims


def _refused(problem: str) -> Rejected:
    return Rejected("unauthorized", f"Authorization: the run's token {problem}")
