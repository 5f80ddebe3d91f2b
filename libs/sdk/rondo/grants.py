# Made from aio/grants.py by generate.py: change that one, then run this.
"""How tokens are got: each is a form to the token endpoint (RFC 6749), or several (RFC 8628)."""

import time
from collections.abc import Callable
from typing import Any

from rondo import wire
from rondo.credentials import Prompt, Tokens
from rondo.errors import RequestRefused, TokenFetchError, Unavailable, Unreachable
from rondo.transport import Transport, sleep

_PATH = "/auth/realms/master/protocol/openid-connect"
_CLIENT = {"client_id": "sdk-client"}
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = 5.0  # s more between two questions, each time that the platform asks for it


def granted(transport: Transport, fields: dict[str, str]) -> Tokens:
    """RequestRefused, mostly as AuthError, says why not."""
    return Tokens.of(_asked(transport, "token", fields))


def signed_in(
    transport: Transport, prompt: Prompt, elsewhere: Callable[[], Tokens | None]
) -> Tokens:
    """Once somebody has signed in at the address that `prompt` shows, or `elsewhere` finds tokens:
    another program of theirs may have asked too. TokenFetchError when nobody does."""
    codes = _asked(transport, "auth/device", {})
    prompt(str(codes["verification_uri_complete"]), str(codes["user_code"]))
    fields = {"grant_type": _DEVICE, "device_code": str(codes["device_code"])}
    pause = float(codes["interval"])
    deadline = time.monotonic() + float(codes["expires_in"])
    while time.monotonic() < deadline:
        try:
            return granted(transport, fields)
        except Unavailable:
            pass  # the code outlives a restart
        except RequestRefused as refused:
            if refused.code not in ("authorization_pending", "slow_down"):
                raise TokenFetchError(refused.message, refused.code, refused.status) from None
            pause += _SLOWER if refused.code == "slow_down" else 0.0
        if (found := elsewhere()) is not None:
            return found
        sleep(pause)
    raise TokenFetchError("nobody has signed in in time; start again", "expired_token")


def _asked(transport: Transport, path: str, fields: dict[str, str]) -> dict[str, Any]:
    request = wire.form(f"{_PATH}/{path}", {**_CLIENT, **fields})
    try:
        answer: dict[str, Any] = (transport.send(request)).json()
    except Unavailable as away:  # what the login was for has not been asked for
        raise Unreachable(away.message, away.code, away.status) from away
    return answer
