"""How a client gets an access token, and keeps it."""

from rondo.aio.grants import request_tokens, sign_in_by_browser
from rondo.aio.http_transport import AsyncTransport
from rondo.credentials import LOGIN_HELP, Credentials, Password, Tokens
from rondo.errors import AuthError, TokenFetchError, TokenRefreshError


class AsyncAuth:
    """The login of a client: it logs in before the first call, and again when tokens run out."""

    def __init__(self, transport: AsyncTransport, credentials: Credentials) -> None:
        self._transport, self._credentials = transport, credentials
        self._tokens = credentials.tokens

    async def auth_header(self) -> dict[str, str]:
        """The `Authorization` header for HTTP requests of your own.

        Raises AuthError when there is no way to log in.
        """
        return {"Authorization": f"Bearer {(await self.tokens()).access_token}"}

    async def user_id(self) -> str:
        """The id of the user, or "" when the token does not say."""
        return str((await self.tokens()).claims().get("sub", ""))

    async def user_email(self) -> str:
        """The email of the user, or "" when the token does not say."""
        return str((await self.tokens()).claims().get("email", ""))

    async def tokens(self) -> Tokens:
        """Tokens that are good for at least ten seconds more.

        Raises AuthError when there is no way to get any.
        """
        tokens, cache = self._tokens, self._credentials.cache
        if (tokens is None or not tokens.usable) and cache is not None:
            tokens = cache.load() or tokens  # another process may have renewed it
        if tokens is None or not tokens.usable:
            tokens = await self._renew(tokens)
            if cache is not None:
                cache.store(tokens)
        self._tokens = tokens
        return tokens

    async def log_in(self, password: Password) -> None:
        """Log in with this password, and use it from now on in place of any other login.

        Raises TokenFetchError when the platform refuses it.
        """
        self._credentials = self._credentials._replace(password=password)
        self._tokens = await self._by_password(password)
        if self._credentials.cache is not None:
            self._credentials.cache.store(self._tokens)

    async def _renew(self, old: Tokens | None) -> Tokens:
        password, prompt = self._credentials.password, self._credentials.prompt
        if old is not None and old.renewable:
            fields = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
            try:
                return await request_tokens(self._transport, fields)
            except AuthError as error:
                if password is None and prompt is None:
                    raise TokenRefreshError(error.message, error.code, error.status) from None
        if password is not None:
            return await self._by_password(password)
        if prompt is not None:
            return await sign_in_by_browser(self._transport, prompt, self._cached_tokens)
        raise AuthError(f"you are not logged in, or no longer: {LOGIN_HELP}", "login_required")

    async def _by_password(self, login: Password) -> Tokens:
        fields = {"grant_type": "password", "username": login.user, "password": login.password}
        try:
            return await request_tokens(self._transport, fields)
        except AuthError as error:
            raise TokenFetchError(error.message, error.code, error.status) from None

    def _cached_tokens(self) -> Tokens | None:
        cache = self._credentials.cache
        tokens = None if cache is None else cache.load()
        return tokens if tokens is not None and tokens.usable else None
