"""The client half of OpenID Connect: an issuer's own words, its keys, and signing in there.

Browsers sign in by the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1;
RFC 7636). Why this is written here and comes from no library: docs/adr/0024.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from libs.domain.errors import Rejected, Unavailable

Body = TypeVar("Body")


class Fetch(Protocol):
    async def __call__(self, url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of the answer to a GET, or to a POST of `form`.

        Follows no redirects. Unavailable when no whole answer comes in time.
        """
        ...


class Discovery(msgspec.Struct, frozen=True):
    """What the issuer says of itself (OpenID Connect Discovery 1.0, section 3). The endpoints are
    for browsers that sign in there; who only checks tokens needs neither."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""


class _Grant(msgspec.Struct):
    access_token: str


class OidcClient:
    """`client_id` is the name by which the issuer knows us."""

    def __init__(self, issuer: str, client_id: str, fetch: Fetch) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._fetch = fetch

    async def discovery(self) -> Discovery:
        """Unavailable when the issuer does not answer, or says that it is another one."""
        url = f"{self._issuer}/.well-known/openid-configuration"
        document = _decoded(url, await self._fetch(url), Discovery)
        if document.issuer != self._issuer:
            raise Unavailable(f"{self._issuer} says that it is another issuer")
        return document

    async def keys(self) -> dict[str, Any]:
        """The JWK set (RFC 7517) that its tokens are checked by. Raises as `discovery` does."""
        url = (await self.discovery()).jwks_uri
        return _decoded(url, await self._fetch(url), dict[str, Any])

    async def sign_in_url(self, redirect_uri: str, state: str, verifier: str) -> str:
        """Where a browser signs in. It comes back to `redirect_uri` with `state` and a code, which
        only `verifier` makes good. Raises as `discovery` does."""
        endpoint = (await self.discovery()).authorization_endpoint
        if not endpoint:
            raise Unavailable(f"{self._issuer} names no authorization_endpoint")
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "openid email",
            "state": state,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def redeem(self, redirect_uri: str, code: str, verifier: str) -> str:
        """The access token for a code that a browser has brought back.

        Rejected("unauthorized") when the issuer refuses, else raises as `discovery` does.
        """
        url = (await self.discovery()).token_endpoint
        form = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
        }
        status, body = await self._fetch(url, form)
        if 400 <= status < 500:
            raise Rejected("unauthorized", "code: the issuer refuses it; sign in again")
        return _decoded(url, (status, body), _Grant).access_token


def _decoded(url: str, answer: tuple[int, bytes], kind: type[Body]) -> Body:
    status, body = answer
    try:
        if status < 300:
            return msgspec.json.decode(body, type=kind)
        problem = f"status {status}"
    except (msgspec.DecodeError, ValueError) as error:
        problem = repr(error)
    raise Unavailable(f"OpenID issuer, {url}: {problem}")
