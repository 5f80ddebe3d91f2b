"""Signing in at the OpenID issuer that is configured: authorization code with PKCE (RFC 7636).

The browser is sent there with a challenge, and comes back with a code that only who knows the
challenge's verifier can turn into an access token. libs/identity says how, and whose it is.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from services.api.dashboard.page_context import local
from services.api.dashboard.signin import refused, secure, signed_in
from services.api.http.form import same
from services.api.http.request_context import RequestContext

PATH = "/signin/issuer"
BACK = "/signin/back"

_COOKIE = "rondo_signin_issuer"
_OLD = "This took too long, or did not begin here. Please try again."
_NO = "Signing in there did not work. Please try again."


class _Attempt(msgspec.Struct):
    """What the browser keeps while its user is away, to go on as it began."""

    state: str
    verifier: str
    next: str


async def begin(context: RequestContext) -> web.Response:
    if context.identity.oidc is None:
        raise Rejected("not_found", "page: there is no other issuer; sign in with a password")
    attempt = _Attempt(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(48),
        local(context.request.query.get("next", "/")),
    )
    url = await context.identity.oidc.client.sign_in_url(
        _redirect_uri(context), attempt.state, attempt.verifier
    )
    response = web.Response(status=303, headers={"Location": url})
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
    query, attempt, oidc = context.request.query, _attempt(context.request), context.identity.oidc
    if oidc is None or attempt is None:
        return refused(context, _OLD)
    if not same(query.get("state", ""), attempt.state) or "code" not in query:
        return refused(context, _NO)
    try:
        token = await oidc.client.redeem(_redirect_uri(context), query["code"], attempt.verifier)
    except Rejected:
        return refused(context, _NO)
    try:
        user = await oidc.user(token)
    except Rejected as problem:
        return refused(context, problem.message)
    response = await signed_in(context, user, attempt.next)
    response.del_cookie(_COOKIE, path=BACK)
    return response


def _redirect_uri(context: RequestContext) -> str:
    return context.runtime.config.public_url.rstrip("/") + BACK


def _attempt(request: web.Request) -> _Attempt | None:
    try:
        return msgspec.json.decode(urlsafe_b64decode(request.cookies[_COOKIE]), type=_Attempt)
    except (KeyError, ValueError, msgspec.DecodeError):
        return None
