"""The token endpoint in Keycloak's form: password and refresh grants (RFC 6749, 4.3 and 6)."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.identity.device import Waiting
from libs.identity.login import TooSoon
from libs.identity.tokens import CLIENT, Pair
from libs.identity.users import User
from libs.runtoken.token import is_one as is_runs
from services.api.access import run_tokens
from services.api.http.errors import GrantRefused, Refusal
from services.api.http.form import strict
from services.api.http.request_context import RequestContext
from services.api.http.route import FORM

PATH = "/auth/realms/master/protocol/openid-connect/token"
_MAX_FIELD = 4096
_DEVICE_SAYS: dict[Waiting, str] = {
    "authorization_pending": "nobody has signed in yet; ask again",
    "slow_down": "ask less often",
    "expired_token": "expired, used or not ours; start again",
}


class TokenForm(msgspec.Struct):
    """Tokens for a name and password, a refresh token or the code of a device, by `grant_type`."""

    grant_type: Literal["password", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
    client_id: Literal["sdk-client"]
    username: str | None = None
    password: str | None = None
    refresh_token: str | None = None
    device_code: str | None = None

    def __repr__(self) -> str:
        return f"TokenForm({self.grant_type})"


async def token(context: RequestContext, _: None) -> Pair:
    form = await form_fields(context)
    match _field(form, "grant_type"):
        case "password":
            user = await _by_password(context, form)
        case "refresh_token" if is_runs(form.get("refresh_token", "")):
            return await _by_runs_refresh(context, form)
        case "refresh_token":
            user = await _by_refresh(context, form)
        case "urn:ietf:params:oauth:grant-type:device_code":
            user = await _by_device(context, form)
        case _:
            raise GrantRefused(
                400,
                "unsupported_grant_type",
                "grant_type: use password, refresh_token or the device code's",
            )
    return context.identity.tokens.issue(user)


async def form_fields(context: RequestContext) -> dict[str, str]:
    """The form of a known client. Raises an OAuth error for any other."""
    if context.request.content_type != FORM:
        raise _invalid(f"Content-Type: send {FORM}")
    try:
        form = dict(await strict(context.request))
    except (Refusal, Rejected) as refused:
        raise _invalid(str(refused)) from refused
    if _field(form, "client_id") != CLIENT:
        raise GrantRefused(401, "invalid_client", f"client_id: unknown; use {CLIENT}")
    return form


async def _by_password(context: RequestContext, form: Mapping[str, str]) -> User:
    name, password = _field(form, "username"), _field(form, "password")
    try:
        user = await context.identity.login(name, password, context.address)
    except TooSoon as soon:
        wait = {"Retry-After": str(soon.seconds)}
        raise GrantRefused(429, "slow_down", f"username: {soon}", wait) from soon
    if user is None:
        raise GrantRefused(401, "invalid_grant", "username, password: they don't go together")
    return user


async def _by_refresh(context: RequestContext, form: Mapping[str, str]) -> User:
    """The same token may be used until it expires: clients do, several times in one call."""
    resources = context.resources
    try:
        claims = resources.identity.tokens.claims(_field(form, "refresh_token"), "Refresh")
    except Rejected as rejected:
        raise _no_refresh() from rejected
    user = await resources.identity.users.by_id(claims.sub, claims.iat)
    if user is None:
        raise _no_refresh()
    return user


async def _by_device(context: RequestContext, form: Mapping[str, str]) -> User:
    """The user who has signed in for the device (RFC 8628, 3.5)."""
    outcome = await context.identity.devices.poll(_field(form, "device_code"))
    if not isinstance(outcome, UUID):
        raise GrantRefused(400, outcome, f"device_code: {_DEVICE_SAYS[outcome]}")
    user = await context.identity.users.by_id(outcome)
    if user is None:
        raise GrantRefused(400, "access_denied", "device_code: that user is gone or disabled")
    return user


async def _by_runs_refresh(context: RequestContext, form: Mapping[str, str]) -> Pair:
    try:
        return await run_tokens.renewed(
            context.identity, context.store.rows, _field(form, "refresh_token")
        )
    except Rejected as rejected:
        raise _no_refresh() from rejected


def _no_refresh() -> GrantRefused:
    return GrantRefused(401, "invalid_grant", "refresh_token: expired or not ours; log in again")


def _field(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise _invalid(f"{name}: this field is required")
    if len(value) > _MAX_FIELD:
        raise _invalid(f"{name}: more than {_MAX_FIELD} characters")
    return value


def _invalid(description: str) -> GrantRefused:
    return GrantRefused(400, "invalid_request", description)
