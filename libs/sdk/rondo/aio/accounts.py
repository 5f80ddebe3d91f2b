"""The part of a client that is about who may log in: users, and the tokens of programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rondo.aio.calls import AsyncCalls
from rondo.credentials import Password
from rondo.errors import Conflict, EntityNotFoundError
from rondo.html import Table
from rondo.service_token import ServiceToken
from rondo.user import Account

if TYPE_CHECKING:
    from rondo.aio.workspace import AsyncWorkspace


class AsyncAccounts(AsyncCalls):
    """Everybody may look; what changes other users is for administrators, Forbidden for the
    rest."""

    async def whoami(self) -> Account:
        """Forbidden for a task and for a service token, which are no persons."""
        return self._account(await self.session.read("users/whoami", {}))

    async def change_password(self, current: str, password: str) -> Account:
        """Your own; you are logged out everywhere but here. Forbidden when `current` is wrong,
        TooManyRequests after several such tries."""
        order = {"current": current, "password": password}
        changed = self._account(await self.session.command("users/change_password", order))
        await self.session.auth.log_in(Password(changed.email(), password))
        return changed

    async def list_users(self) -> Table[Account]:
        """Everybody, by email."""
        found = (await self.session.read("users/query", {}))["users"].values()
        return Table(map(self._account, sorted(found, key=lambda user: user["email"])), "users")

    async def get_user_by_email(self, email: str) -> Account | None:
        """None when there is nobody of that email."""
        found = await self.session.get(f"/auth/admin/realms/master/users?email={quote(email)}")
        return self._account(found[0]) if found else None

    async def get_email_by_id(self, id: str) -> str:
        """EntityNotFoundError."""
        found = (await self.session.read("users/query", {"user_ids": [id]}))["users"]
        if id not in found:
            raise EntityNotFoundError(f"id: there is no user {id}", "not_found", 404)
        return str(found[id]["email"])

    async def create_user(
        self, email: str, password: str | None = None, *, admin: bool = False
    ) -> Account:
        """Conflict when there is one of that email. Without a password the platform makes one up:
        see `Account.password`."""
        order = {"email": email, "password": password, "admin": admin}
        return self._with_password(await self.session.command("users/create", order))

    async def invite_user(self, email: str, password: str | None = None) -> Account:
        """As `create_user`; who is there already stays as they are."""
        try:
            return await self.create_user(email, password)
        except Conflict:
            return await self._user(email)

    async def activate_user(self, email: str) -> Account:
        """They may log in again. EntityNotFoundError."""
        return await self._changed("users/set_enabled", email, {"enabled": True})

    async def deactivate_user(self, email: str) -> Account:
        """They can't log in any more, and are logged out. EntityNotFoundError; Conflict for the
        last administrator."""
        return await self._changed("users/set_enabled", email, {"enabled": False})

    async def set_admin(self, email: str, admin: bool = True) -> Account:
        """EntityNotFoundError; Conflict when that would leave no administrator."""
        return await self._changed("users/set_admin", email, {"admin": admin})

    async def reset_password(self, email: str, password: str | None = None) -> Account:
        """They are logged out everywhere. Without a password the platform makes one up: see
        `Account.password`. EntityNotFoundError."""
        order = {"id": (await self._user(email)).id(), "password": password}
        return self._with_password(await self.session.command("users/reset_password", order))

    async def create_token(
        self, name: str, workspaces: Iterable[AsyncWorkspace], days: int | None = None
    ) -> ServiceToken:
        """For a program, good for these workspaces, for `days` or until it is revoked. Its
        `secret()` is told this once. EntityNotFoundError or Forbidden for a workspace that is not
        yours."""
        numbers = [workspace.id() for workspace in workspaces]
        order = {"name": name, "workspaces": numbers, "days": days}
        made = await self.session.command("tokens/create", order)
        return self._token({**made["token"], "secret": made["secret"]})

    async def list_tokens(self) -> Table[ServiceToken]:
        """Yours, or everybody's for an administrator; oldest first, with the revoked ones."""
        found = (await self.session.read("tokens/list", {}))["tokens"]
        return Table(map(self._token, found), "tokens")

    async def revoke_token(self, id: str) -> ServiceToken:
        """It ends within seconds; revoking twice is revoking once. EntityNotFoundError."""
        return self._token(await self.session.command("tokens/revoke", {"id": id}, repeatable=True))

    async def _user(self, email: str) -> Account:
        found = await self.get_user_by_email(email)
        if found is None:
            raise EntityNotFoundError(f"email: there is no user {email!r}", "not_found", 404)
        return found

    async def _changed(self, path: str, email: str, to: dict[str, bool]) -> Account:
        order = {"id": (await self._user(email)).id(), **to}
        return self._account(await self.session.command(path, order, repeatable=True))

    def _with_password(self, made: dict[str, Any]) -> Account:
        return self._account({**made["user"], "password": made["password"]})

    def _account(self, data: dict[str, Any]) -> Account:
        return Account(data, self.time_format)

    def _token(self, data: dict[str, Any]) -> ServiceToken:
        return ServiceToken(data, self.time_format)
