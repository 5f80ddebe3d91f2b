# Made from aio/accounts.py by generate.py: change that one, then run this.
"""The part of a client that manages users, and the tokens of programs."""

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
    """Users and service tokens.

    Everybody may list users. Only administrators may change other users; the rest get Forbidden.
    """

    def whoami(self) -> Account:
        """Your own account.

        Raises Forbidden for a task and for a service token: neither is a person.
        """
        return self._account(self.session.read("users/whoami", {}))

    def change_password(self, current: str, password: str) -> Account:
        """Change your own password, and log you out everywhere but here.

        Raises Forbidden when `current` is wrong, TooManyRequests after several wrong tries.
        """
        body = {"current": current, "password": password}
        account = self._account(self.session.command("users/change_password", body))
        self.session.auth.log_in(Password(account.email(), password))
        return account

    def list_users(self) -> Table[Account]:
        """All users, sorted by email."""
        users = (self.session.read("users/query", {}))["users"].values()
        return Table(map(self._account, sorted(users, key=lambda user: user["email"])), "users")

    def get_user_by_email(self, email: str) -> Account | None:
        """The user with that email, or None."""
        users = self.session.get(f"/auth/admin/realms/master/users?email={quote(email)}")
        return self._account(users[0]) if users else None

    def get_email_by_id(self, id: str) -> str:
        """The email of the user with that id.

        Raises EntityNotFoundError when there is no such user.
        """
        users = (self.session.read("users/query", {"user_ids": [id]}))["users"]
        if id not in users:
            raise EntityNotFoundError(f"id: there is no user {id}", "not_found", 404)
        return str(users[id]["email"])

    def create_user(
        self, email: str, password: str | None = None, *, admin: bool = False
    ) -> Account:
        """Create a user, as an administrator if `admin` is true.

        Without a password the platform makes one up: see `Account.password`. Raises Conflict when
        there is a user with that email.
        """
        body = {"email": email, "password": password, "admin": admin}
        return self._with_password(self.session.command("users/create", body))

    def invite_user(self, email: str, password: str | None = None) -> Account:
        """Create a user, or return the one that has this email already, unchanged."""
        try:
            return self.create_user(email, password)
        except Conflict:
            return self._user(email)

    def activate_user(self, email: str) -> Account:
        """Let a deactivated user log in again.

        Raises EntityNotFoundError when there is no such user.
        """
        return self._update("users/set_enabled", email, {"enabled": True})

    def deactivate_user(self, email: str) -> Account:
        """Log a user out, and refuse their logins from now on.

        Raises EntityNotFoundError when there is no such user, Conflict for the last administrator.
        """
        return self._update("users/set_enabled", email, {"enabled": False})

    def set_admin(self, email: str, admin: bool = True) -> Account:
        """Make a user an administrator, or no longer one.

        Raises EntityNotFoundError when there is no such user, Conflict when no administrator would
        be left.
        """
        return self._update("users/set_admin", email, {"admin": admin})

    def reset_password(self, email: str, password: str | None = None) -> Account:
        """Give a user a new password, and log them out everywhere.

        Without a password the platform makes one up: see `Account.password`. Raises
        EntityNotFoundError when there is no such user.
        """
        body = {"id": (self._user(email)).id(), "password": password}
        return self._with_password(self.session.command("users/reset_password", body))

    def create_token(
        self, name: str, workspaces: Iterable[Workspace], days: int | None = None
    ) -> ServiceToken:
        """Create a token with which a program acts for you in these workspaces.

        It is good for `days` days, or until it is revoked. Only this call returns its `secret()`.
        Raises EntityNotFoundError or Forbidden for a workspace that you are no member of.
        """
        workspace_ids = [workspace.id() for workspace in workspaces]
        body = {"name": name, "workspaces": workspace_ids, "days": days}
        answer = self.session.command("tokens/create", body)
        return self._token({**answer["token"], "secret": answer["secret"]})

    def list_tokens(self) -> Table[ServiceToken]:
        """Your tokens, or everybody's if you are an administrator.

        The oldest come first. Revoked ones are included.
        """
        tokens = (self.session.read("tokens/list", {}))["tokens"]
        return Table(map(self._token, tokens), "tokens")

    def revoke_token(self, id: str) -> ServiceToken:
        """End a token within seconds. Revoking it twice is no error.

        Raises EntityNotFoundError when there is no such token.
        """
        return self._token(self.session.command("tokens/revoke", {"id": id}, repeatable=True))

    def _user(self, email: str) -> Account:
        user = self.get_user_by_email(email)
        if user is None:
            raise EntityNotFoundError(f"email: there is no user {email!r}", "not_found", 404)
        return user

    def _update(self, path: str, email: str, fields: dict[str, bool]) -> Account:
        body = {"id": (self._user(email)).id(), **fields}
        return self._account(self.session.command(path, body, repeatable=True))

    def _with_password(self, answer: dict[str, Any]) -> Account:
        return self._account({**answer["user"], "password": answer["password"]})

    def _account(self, data: dict[str, Any]) -> Account:
        return Account(data, self.time_format)

    def _token(self, data: dict[str, Any]) -> ServiceToken:
        return ServiceToken(data, self.time_format)
