# Made from aio/auth.py by generate.py: change that one, then run this.
"""Getting, and keeping, an access token."""

from typing import Any

from rondo import wire
from rondo.credentials import HOW, Credentials, Tokens
from rondo.errors import AuthError, TokenFetchError, TokenRefreshError, Unavailable, Unreachable
from rondo.transport import Transport

_PATH = "/auth/realms/master/protocol/openid-connect/token"
_CLIENT = {"client_id": "sdk-client"}


class Auth:
    """Logs in when somebody first needs to be known, and again when that runs out."""

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        self._transport, self._credentials = transport, credentials
        self._kept = credentials.tokens

    def auth_header(self) -> dict[str, str]:
        """For requests of your own. AuthError when there is no way to log in."""
        return {"Authorization": f"Bearer {(self.tokens()).access_token}"}

    def user_id(self) -> str:
        return str((self.tokens()).claims().get("sub", ""))

    def user_email(self) -> str:
        return str((self.tokens()).claims().get("email", ""))

    def tokens(self) -> Tokens:
        """Good for some time. AuthError when there is no way to get any."""
        kept, cache = self._kept, self._credentials.cache
        if (kept is None or not kept.usable) and cache is not None:
            kept = cache.load() or kept  # another process may have renewed it
        if kept is None or not kept.usable:
            kept = self._renewed(kept)
            if cache is not None:
                cache.store(kept)
        self._kept = kept
        return kept

    def _renewed(self, old: Tokens | None) -> Tokens:
        password = self._credentials.password
        if old is not None and old.renewable:
            fields = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
            try:
                return self._granted(fields)
            except AuthError as error:
                if password is None:
                    raise TokenRefreshError(error.message, error.code, error.status) from None
        if password is None:
            raise AuthError(f"you are not logged in, or no longer: {HOW}", "login_required")
        fields = {"grant_type": "password", "username": password.user}
        try:
            return self._granted({**fields, "password": password.password})
        except AuthError as error:
            raise TokenFetchError(error.message, error.code, error.status) from None

    def _granted(self, fields: dict[str, str]) -> Tokens:
        request = wire.form(_PATH, {**_CLIENT, **fields})
        try:
            answer: dict[str, Any] = (self._transport.send(request)).json()
        except Unavailable as away:  # what the login was for has not been asked for
            raise Unreachable(away.message, away.code, away.status) from away
        return Tokens.of(answer)
