"""Users of another OpenID issuer (Keycloak, say): their access tokens are good here as well.

The issuer is believed for who somebody is. What they may do is decided here, except that a claim
can make administrators. An account of ours is never taken over: not by its email, not by its id.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.identity.oidc_client import Fetch, OidcClient
from libs.identity.signatures import BadSignature, Claims, UnknownKey, Verifier, unverified
from libs.identity.users import User, Users

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
_REFRESH_SECONDS = 60.0  # keys are looked for again at most this often
_MAX_SKEW_SECONDS = 30


class Issuer(msgspec.Struct, frozen=True):
    """`audience` is what tokens must be for (aud or azp). Claims are named by their path, as
    `realm_access.roles`; who has `admin_value` there is an administrator."""

    url: str
    audience: str
    email_claim: str = "email"
    admin_claim: str = ""
    admin_value: str = ""


class Oidc:
    """Whose an access token of `issuer` is. `client` is for browsers that sign in there."""

    def __init__(
        self,
        issuer: Issuer,
        users: Users,
        fetch: Fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self.client = OidcClient(issuer.url, issuer.audience, fetch)
        self._users = users
        self._clock = clock
        self._refreshing = asyncio.Lock()
        self._verifier: Verifier | None = None
        self._fetched_at = float("-inf")

    def issued(self, token: str) -> bool:
        """Whether the token says that it is from this issuer, which remains to be proved."""
        return unverified(token).get("iss") == self._issuer.url

    async def user(self, token: str) -> User:
        """Whose it is. Rejected("unauthorized"), or Unavailable when the issuer has to be asked
        for its keys and does not answer."""
        try:
            claims = await self._claims(token)
        except BadSignature as error:
            raise _refused("is not signed by its issuer") from error
        self._check(claims)
        email = _at(claims, self._issuer.email_claim)
        if not isinstance(email, str) or "@" not in email or claims.get("email_verified") is False:
            raise _refused(f"has no verified {self._issuer.email_claim}")
        admin = None
        if self._issuer.admin_claim:
            value = _at(claims, self._issuer.admin_claim)
            admin = self._issuer.admin_value in (value if isinstance(value, list) else [value])
        id = _account_id(self._issuer.url, claims)
        user = await self._users.vouched_for(self._issuer.url, id, email, admin)
        if user is None:
            raise _refused("is of a user who is disabled, or whose email is another's here")
        return user

    def _check(self, claims: Claims) -> None:
        now, issuer = self._clock(), self._issuer
        audience = claims.get("aud", [])
        audiences = [*(audience if isinstance(audience, list) else [audience]), claims.get("azp")]
        if claims.get("iss") != issuer.url or issuer.audience not in audiences:
            raise _refused("is for something else")
        if claims.get("typ", "Bearer") != "Bearer":  # Keycloak's mark of refresh and ID tokens
            raise _refused("is no access token")
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires, int | float) or not isinstance(begins, int | float):
            raise _refused("has no exp")
        if expires <= now or begins > now + _MAX_SKEW_SECONDS:
            raise _refused("has expired")

    async def _claims(self, token: str) -> Claims:
        if self._verifier is not None:
            try:
                return self._verifier.claims(token)
            except UnknownKey:
                if self._clock() < self._fetched_at + _REFRESH_SECONDS:
                    raise
        return (await self._refresh()).claims(token)

    async def _refresh(self) -> Verifier:
        wanted_at = self._clock()
        async with self._refreshing:
            if self._verifier is None or self._fetched_at < wanted_at:
                keys = await self.client.keys()
                try:
                    self._verifier = Verifier.of_jwks(keys, _ALGORITHMS)
                except BadSignature as error:
                    raise Unavailable(f"{self._issuer.url}: {error}") from error
                self._fetched_at = self._clock()
            return self._verifier


def _at(claims: Any, path: str) -> Any:
    for name in path.split("."):
        claims = claims.get(name) if isinstance(claims, dict) else None
    return claims


def _account_id(issuer: str, claims: Claims) -> UUID:
    """The issuer's own id of the user where that is a UUID: clients take it for ours."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise _refused("has no sub")
    try:
        return UUID(subject)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{issuer}#{subject}")


def _refused(problem: str) -> Rejected:
    return Rejected("unauthorized", f"Authorization: the token {problem}; log in again")
