"""Signing in at the OpenID issuer that is configured: authorization code with PKCE (RFC 7636).

The browser is sent there with a challenge, and comes back with a code that only who knows the
challenge's verifier can turn into an access token. Whose that is, identity/oidc.py says.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urlencode

import aiohttp
import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.identity.sessions import same
from services.api.dashboard.page_context import local
from services.api.dashboard.signin import refused, secure, signed_in
from services.api.http.request_context import RequestContext
from services.api.resources import Resources

PATH = "/signin/issuer"
BACK = "/signin/back"

_COOKIE = "rondo_signin_issuer"
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MOST_BYTES = 1 << 20
_OLD = "This took too long, or did not begin here. Please try again."
_NO = "Signing in there did not work. Please try again."


class _Granted(msgspec.Struct):
    access_token: str


class _Attempt(msgspec.Struct):
    """What the browser keeps while its user is away, to go on as it began."""

    state: str
    verifier: str
    next: str


async def begin(context: RequestContext) -> web.Response:
    if context.identity.oidc is None:
        raise Rejected("not_found", "page: there is no other issuer; sign in with a password")
    document = await context.identity.oidc.client.discovery()
    if not document.authorization_endpoint:
        raise Unavailable(f"{document.issuer} names no authorization_endpoint")
    attempt = _Attempt(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(48),
        local(context.request.query.get("next", "/")),
    )
    challenge = urlsafe_b64encode(sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
    asked = {
        **_client(context.resources),
        "response_type": "code",
        "scope": "openid email",
        "state": attempt.state,
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    address = document.authorization_endpoint
    response = web.Response(
        status=303,
        headers={"Location": f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"},
    )
    response.set_cookie(
        _COOKIE,
        urlsafe_b64encode(msgspec.json.encode(attempt)).decode(),
        path=BACK,
        httponly=True,
        samesite="Lax",  # it has to come along from there
        secure=secure(context),
        max_age=600,
    )
    return response


async def back(context: RequestContext) -> web.Response:
    query, attempt = context.request.query, _attempt(context.request)
    if context.identity.oidc is None or attempt is None:
        return refused(context, _OLD)
    if not same(query.get("state", ""), attempt.state) or "code" not in query:
        return refused(context, _NO)
    sent = {
        **_client(context.resources),
        "grant_type": "authorization_code",
        "code": query["code"],
        "code_verifier": attempt.verifier,
    }
    document = await context.identity.oidc.client.discovery()
    try:
        granted = await _granted(context.resources, document.token_endpoint, sent)
        user = await context.identity.oidc.user(granted.access_token)
    except Rejected as problem:
        return refused(context, problem.message)
    response = await signed_in(context, user, attempt.next)
    response.del_cookie(_COOKIE, path=BACK)
    return response


def _client(resources: Resources) -> dict[str, str]:
    """Who asks, in each of the two steps."""
    config = resources.runtime.config
    return {
        "client_id": config.oidc_audience,
        "redirect_uri": config.public_url.rstrip("/") + BACK,
    }


def _attempt(request: web.Request) -> _Attempt | None:
    try:
        return msgspec.json.decode(urlsafe_b64decode(request.cookies[_COOKIE]), type=_Attempt)
    except (KeyError, ValueError, msgspec.DecodeError):
        return None


async def _granted(resources: Resources, url: str, form: dict[str, str]) -> _Granted:
    """Rejected("unauthorized") when the issuer refuses, Unavailable when it makes no sense."""
    try:
        async with resources.runtime.http.post(
            url, data=form, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            body = await answer.content.read(_MOST_BYTES)
            if 400 <= answer.status < 500:
                raise Rejected("unauthorized", _NO)
            return msgspec.json.decode(body, type=_Granted)
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, ValueError) as error:
        raise Unavailable(f"OpenID issuer, {url}: {error!r}") from error
