"""Getting, and keeping, an access token."""

from rondo.aio.grants import granted, signed_in
from rondo.aio.transport import AsyncTransport
from rondo.credentials import HOW, Credentials, Password, Tokens
from rondo.errors import AuthError, TokenFetchError, TokenRefreshError


class AsyncAuth:
    """Logs in when somebody first needs to be known, and again when that runs out."""

    def __init__(self, transport: AsyncTransport, credentials: Credentials) -> None:
        self._transport, self._credentials = transport, credentials
        self._kept = credentials.tokens

    async def auth_header(self) -> dict[str, str]:
        """For requests of your own. AuthError when there is no way to log in."""
        return {"Authorization": f"Bearer {(await self.tokens()).access_token}"}

    async def user_id(self) -> str:
        return str((await self.tokens()).claims().get("sub", ""))

    async def user_email(self) -> str:
        return str((await self.tokens()).claims().get("email", ""))

    async def tokens(self) -> Tokens:
        """Good for some time. AuthError when there is no way to get any."""
        kept, cache = self._kept, self._credentials.cache
        if (kept is None or not kept.usable) and cache is not None:
            kept = cache.load() or kept  # another process may have renewed it
        if kept is None or not kept.usable:
            kept = await self._renewed(kept)
            if cache is not None:
                cache.store(kept)
        self._kept = kept
        return kept

    async def log_in(self, password: Password) -> None:
        """With this from now on, whatever there was before. TokenFetchError."""
        self._credentials = self._credentials._replace(password=password)
        self._kept = await self._by_password(password)
        if self._credentials.cache is not None:
            self._credentials.cache.store(self._kept)

    async def _renewed(self, old: Tokens | None) -> Tokens:
        password, prompt = self._credentials.password, self._credentials.prompt
        if old is not None and old.renewable:
            fields = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
            try:
                return await granted(self._transport, fields)
            except AuthError as error:
                if password is None and prompt is None:
                    raise TokenRefreshError(error.message, error.code, error.status) from None
        if password is not None:
            return await self._by_password(password)
        if prompt is not None:
            return await signed_in(self._transport, prompt, self._from_elsewhere)
        raise AuthError(f"you are not logged in, or no longer: {HOW}", "login_required")

    async def _by_password(self, login: Password) -> Tokens:
        fields = {"grant_type": "password", "username": login.user, "password": login.password}
        try:
            return await granted(self._transport, fields)
        except AuthError as error:
            raise TokenFetchError(error.message, error.code, error.status) from None

    def _from_elsewhere(self) -> Tokens | None:
        cache = self._credentials.cache
        found = None if cache is None else cache.load()
        return found if found is not None and found.usable else None
