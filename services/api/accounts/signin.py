"""The page where people sign in for a device. It is made on the server, without scripts.

A form counts only with the random value that the browser got with the page as a cookie, so no
other site can send it for somebody. Passwords and codes that are wrong make the next try wait.
"""

import secrets
from html import escape
from importlib.resources import files
from string import Template

import msgspec
from aiohttp import web

from libs.identity import device
from libs.identity.bounds import Throttle
from libs.identity.login import TooSoon
from libs.identity.tokens import REALM
from services.api.accounts.keycloak import form_fields
from services.api.http.errors import GrantRefused
from services.api.http.form import cookie, same, strict
from services.api.http.request_context import RequestContext

PAGE = f"{REALM}/device"

_COOKIE = "rondo_device"
_FOLDER = files("services.api.accounts")
_FRAME = Template((_FOLDER / "signin.html").read_text())
_FORM = Template((_FOLDER / "signin_form.html").read_text())
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class DeviceForm(msgspec.Struct):
    client_id: str


class Authorization(msgspec.Struct):
    """Show `verification_uri_complete` to a person; ask for the token every `interval` seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int = device.EXPIRES_SECONDS
    interval: int = device.INTERVAL_SECONDS


class SignInForm(msgspec.Struct):
    csrf: str
    user_code: str
    username: str
    password: str

    def __repr__(self) -> str:
        return "SignInForm(***)"


async def authorize(context: RequestContext, _: None) -> Authorization:
    await form_fields(context)
    try:
        codes = await context.identity.devices.start(context.address)
    except TooSoon as soon:
        wait = {"Retry-After": str(soon.seconds)}
        raise GrantRefused(
            429, "slow_down", "too many devices wait; try again later", wait
        ) from soon
    uri = context.identity.tokens.issuer.removesuffix(REALM) + PAGE
    return Authorization(codes.device, codes.user, uri, f"{uri}?user_code={codes.user}")


async def show(context: RequestContext, _: None) -> web.Response:
    return _page(context, context.request.query.get("user_code", ""))


class SignIn:
    """The handler of the form; it remembers wrong codes by address."""

    def __init__(self) -> None:
        self._throttle = Throttle()

    async def __call__(self, context: RequestContext, _: None) -> web.Response:
        form = await strict(context.request)
        code = form.get("user_code", "")
        csrf = cookie(context.request, _COOKIE)
        if not csrf or not same(form.get("csrf", ""), csrf):
            return _page(
                context, code, "This page was too old, or not ours. Please try again.", 403
            )
        address = context.address
        if self._throttle.wait(("code", address)):
            return _page(context, code, "Too many wrong codes; try again later.", 429)
        try:
            user = await context.identity.login(
                form.get("username", ""), form.get("password", ""), address
            )
        except TooSoon as soon:
            page = _page(context, code, f"{soon}.".capitalize(), 429)
            page.headers["Retry-After"] = str(soon.seconds)
            return page
        if user is None:
            return _page(context, code, "This email and password don't go together.", 401)
        if not await context.identity.devices.approve(code, user.id):
            self._throttle.failed(("code", address))
            return _page(context, "", "This code has expired, or never was. Start again.", 400)
        self._throttle.succeeded(("code", address))
        return _answer("", f"You are signed in as {user.email}. You can close this page.")


sign_in = SignIn()


def _page(context: RequestContext, code: str, message: str = "", status: int = 200) -> web.Response:
    csrf = cookie(context.request, _COOKIE) or secrets.token_urlsafe(32)
    form = _FORM.substitute(action=PAGE, csrf=escape(csrf), code=escape(code))
    response = _answer(form, message, status)
    secure = context.identity.tokens.issuer.startswith("https:")
    response.set_cookie(
        _COOKIE, csrf, path=PAGE, httponly=True, samesite="Strict", secure=secure, max_age=3600
    )
    return response


def _answer(form: str, message: str, status: int = 200) -> web.Response:
    shown = f'<p class="said" role="alert">{escape(message)}</p>' if message else ""
    text = _FRAME.substitute(form=form, said=shown)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
