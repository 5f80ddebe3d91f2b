"""How tokens are requested: one form to the token endpoint (RFC 6749), or several (RFC 8628)."""

import time
from collections.abc import Callable
from typing import Any

from rondo.aio.http_transport import AsyncTransport, sleep
from rondo.credentials import Prompt, Tokens
from rondo.errors import RequestRefused, TokenFetchError, Unavailable, Unreachable
from rondo.http_messages import form_request

_PATH = "/auth/realms/master/protocol/openid-connect"
_CLIENT = {"client_id": "sdk-client"}
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOW_DOWN_SECONDS = 5.0  # more between two requests, each time that the platform asks for it


async def request_tokens(transport: AsyncTransport, fields: dict[str, str]) -> Tokens:
    """New tokens for a form with these fields.

    Raises RequestRefused, mostly as AuthError, when the platform refuses.
    """
    return Tokens.of(await _post(transport, "token", fields))


async def sign_in_by_browser(
    transport: AsyncTransport, prompt: Prompt, cached: Callable[[], Tokens | None]
) -> Tokens:
    """New tokens, once somebody has signed in at the address that `prompt` shows.

    `cached` returns tokens that another program of theirs has got meanwhile. Raises
    TokenFetchError when nobody signs in before the code expires.
    """
    codes = await _post(transport, "auth/device", {})
    prompt(str(codes["verification_uri_complete"]), str(codes["user_code"]))
    fields = {"grant_type": _DEVICE_GRANT, "device_code": str(codes["device_code"])}
    pause = float(codes["interval"])
    deadline = time.monotonic() + float(codes["expires_in"])
    while time.monotonic() < deadline:
        try:
            return await request_tokens(transport, fields)
        except Unavailable:
            pass  # the code outlives a restart
        except RequestRefused as refused:
            if refused.code not in ("authorization_pending", "slow_down"):
                raise TokenFetchError(refused.message, refused.code, refused.status) from None
            pause += _SLOW_DOWN_SECONDS if refused.code == "slow_down" else 0.0
        if (tokens := cached()) is not None:
            return tokens
        await sleep(pause)
    raise TokenFetchError("nobody has signed in in time; start again", "expired_token")


async def _post(transport: AsyncTransport, path: str, fields: dict[str, str]) -> dict[str, Any]:
    request = form_request(f"{_PATH}/{path}", {**_CLIENT, **fields})
    try:
        answer: dict[str, Any] = (await transport.send(request)).json()
    except Unavailable as away:  # the call that needs the login has not been sent
        raise Unreachable(away.message, away.code, away.status) from away
    return answer
