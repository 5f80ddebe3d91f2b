# Made from aio/accounts.py by generate.py: change that one, then run this.
"""The part of a client that is about who may log in: users, and the tokens of programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rondo.calls import Calls
from rondo.credentials import Password
from rondo.errors import Conflict, EntityNotFoundError
from rondo.html import Table
from rondo.service_token import ServiceToken
from rondo.user import Account

if TYPE_CHECKING:
    from rondo.workspace import Workspace


class Accounts(Calls):
    """Everybody may look; what changes other users is for administrators, Forbidden for the
    rest."""

    def whoami(self) -> Account:
        """Forbidden for a task and for a service token, which are no persons."""
        return self._account(self.session.read("users/whoami", {}))

    def change_password(self, current: str, password: str) -> Account:
        """Your own; you are logged out everywhere but here. Forbidden when `current` is wrong,
        TooManyRequests after several such tries."""
        order = {"current": current, "password": password}
        changed = self._account(self.session.command("users/change_password", order))
        self.session.auth.log_in(Password(changed.email(), password))
        return changed

    def list_users(self) -> Table[Account]:
        """Everybody, by email."""
        found = (self.session.read("users/query", {}))["users"].values()
        return Table(map(self._account, sorted(found, key=lambda user: user["email"])), "users")

    def get_user_by_email(self, email: str) -> Account | None:
        """None when there is nobody of that email."""
        found = self.session.get(f"/auth/admin/realms/master/users?email={quote(email)}")
        return self._account(found[0]) if found else None

    def get_email_by_id(self, id: str) -> str:
        """EntityNotFoundError."""
        found = (self.session.read("users/query", {"user_ids": [id]}))["users"]
        if id not in found:
            raise EntityNotFoundError(f"id: there is no user {id}", "not_found", 404)
        return str(found[id]["email"])

    def create_user(
        self, email: str, password: str | None = None, *, admin: bool = False
    ) -> Account:
        """Conflict when there is one of that email. Without a password the platform makes one up:
        see `Account.password`."""
        order = {"email": email, "password": password, "admin": admin}
        return self._with_password(self.session.command("users/create", order))

    def invite_user(self, email: str, password: str | None = None) -> Account:
        """As `create_user`; who is there already stays as they are."""
        try:
            return self.create_user(email, password)
        except Conflict:
            return self._user(email)

    def activate_user(self, email: str) -> Account:
        """They may log in again. EntityNotFoundError."""
        return self._changed("users/set_enabled", email, {"enabled": True})

    def deactivate_user(self, email: str) -> Account:
        """They can't log in any more, and are logged out. EntityNotFoundError; Conflict for the
        last administrator."""
        return self._changed("users/set_enabled", email, {"enabled": False})

    def set_admin(self, email: str, admin: bool = True) -> Account:
        """EntityNotFoundError; Conflict when that would leave no administrator."""
        return self._changed("users/set_admin", email, {"admin": admin})

    def reset_password(self, email: str, password: str | None = None) -> Account:
        """They are logged out everywhere. Without a password the platform makes one up: see
        `Account.password`. EntityNotFoundError."""
        order = {"id": (self._user(email)).id(), "password": password}
        return self._with_password(self.session.command("users/reset_password", order))

    def create_token(
        self, name: str, workspaces: Iterable[Workspace], days: int | None = None
    ) -> ServiceToken:
        """For a program, good for these workspaces, for `days` or until it is revoked. Its
        `secret()` is told this once. EntityNotFoundError or Forbidden for a workspace that is not
        yours."""
        numbers = [workspace.id() for workspace in workspaces]
        order = {"name": name, "workspaces": numbers, "days": days}
        made = self.session.command("tokens/create", order)
        return self._token({**made["token"], "secret": made["secret"]})

    def list_tokens(self) -> Table[ServiceToken]:
        """Yours, or everybody's for an administrator; oldest first, with the revoked ones."""
        found = (self.session.read("tokens/list", {}))["tokens"]
        return Table(map(self._token, found), "tokens")

    def revoke_token(self, id: str) -> ServiceToken:
        """It ends within seconds; revoking twice is revoking once. EntityNotFoundError."""
        return self._token(self.session.command("tokens/revoke", {"id": id}, repeatable=True))

    def _user(self, email: str) -> Account:
        found = self.get_user_by_email(email)
        if found is None:
            raise EntityNotFoundError(f"email: there is no user {email!r}", "not_found", 404)
        return found

    def _changed(self, path: str, email: str, to: dict[str, bool]) -> Account:
        order = {"id": (self._user(email)).id(), **to}
        return self._account(self.session.command(path, order, repeatable=True))

    def _with_password(self, made: dict[str, Any]) -> Account:
        return self._account({**made["user"], "password": made["password"]})

    def _account(self, data: dict[str, Any]) -> Account:
        return Account(data, self.time_format)

    def _token(self, data: dict[str, Any]) -> ServiceToken:
        return ServiceToken(data, self.time_format)
