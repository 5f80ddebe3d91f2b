"""Managing users: administrators only. Each change is a line of the log that says who made it."""

import logging
import secrets
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain.errors import Rejected
from libs.identity.login import TooSoon
from services.api.accounts.directory import Account, account_id
from services.api.fields import Email
from services.api.http.errors import Refusal
from services.api.http.request_context import RequestContext

logger = logging.getLogger(__name__)

Password = Annotated[str, Meta(min_length=8, max_length=1024)]


class CreateUser(msgspec.Struct):
    """Without a password one is made up, and shown once."""

    email: Email
    password: Password | None = None
    admin: bool = False

    def __repr__(self) -> str:
        return f"CreateUser(email={self.email!r})"


class ResetPassword(msgspec.Struct):
    """Without a password one is made up, and shown once."""

    id: UUID
    password: Password | None = None

    def __repr__(self) -> str:
        return f"ResetPassword(id={self.id})"


class ChangePassword(msgspec.Struct):
    """One's own. `current` is the one until now."""

    current: Annotated[str, Meta(max_length=1024)]
    password: Password

    def __repr__(self) -> str:
        return "ChangePassword(***)"


class SetEnabled(msgspec.Struct):
    id: UUID
    enabled: bool


class Representation(msgspec.Struct):
    """Of a user in Keycloak's form; the rest of it can't be changed."""

    enabled: bool


class SetAdmin(msgspec.Struct):
    id: UUID
    admin: bool


class Invited(Account, kw_only=True):
    """`password` is there only when it was made up here."""

    password: str | None = None

    def __repr__(self) -> str:
        return f"Invited({self.email!r})"


class WithPassword(msgspec.Struct):
    """`password` is there only when it was made up here."""

    user: Account
    password: str | None = None

    def __repr__(self) -> str:
        return f"WithPassword({self.user!r})"


async def whoami(context: RequestContext, _: object) -> Account:
    return Account.of(context.user)


async def create(context: RequestContext, body: CreateUser) -> WithPassword:
    _administrators_only(context)
    made = None if body.password else secrets.token_urlsafe(15)
    password = body.password or made or ""
    user = await context.identity.users.create(body.email, password, admin=body.admin)
    _audit(context, f"created {'administrator' if body.admin else 'user'} {user.email}", user.id)
    return WithPassword(Account.of(user), made)


async def invite(context: RequestContext, body: CreateUser) -> Invited:
    """As `create`, in the form that published clients read."""
    made = await create(context, body)
    return Invited(**msgspec.structs.asdict(made.user), password=made.password)


async def update(context: RequestContext, body: Representation) -> None:
    """As `set_enabled`, at Keycloak's place."""
    await set_enabled(context, SetEnabled(account_id(context), body.enabled))


async def reset_password(context: RequestContext, body: ResetPassword) -> WithPassword:
    """Ends all that the user is logged in with."""
    _administrators_only(context)
    made = None if body.password else secrets.token_urlsafe(15)
    user = await context.identity.users.set_password(body.id, body.password or made or "")
    _audit(context, "set a password of", user.id)
    return WithPassword(Account.of(user), made)


async def change_password(context: RequestContext, body: ChangePassword) -> Account:
    """As slow as logging in for who guesses; ends all that the caller is logged in with."""
    me = context.user
    try:
        known = await context.identity.login(me.email, body.current, context.address)
    except TooSoon as soon:
        wait = {"Retry-After": str(soon.seconds)}
        raise Refusal(429, "slow_down", f"current: {soon}", wait) from soon
    if known is None:
        raise Rejected("forbidden", "current: this is not your password until now")
    user = await context.identity.users.set_password(me.id, body.password)
    _audit(context, "changed the password of", user.id)
    return Account.of(user)


async def set_enabled(context: RequestContext, body: SetEnabled) -> Account:
    """A disabled user's tokens end within seconds."""
    _administrators_only(context)
    user = await context.identity.users.set_enabled(body.id, body.enabled)
    _audit(context, "enabled" if body.enabled else "disabled", user.id)
    return Account.of(user)


async def set_admin(context: RequestContext, body: SetAdmin) -> Account:
    _administrators_only(context)
    user = await context.identity.users.set_admin(body.id, body.admin)
    _audit(context, "made an administrator" if body.admin else "no administrator any more", user.id)
    return Account.of(user)


def _administrators_only(context: RequestContext) -> None:
    if not context.user.admin:
        raise Rejected("forbidden", "Authorization: only administrators may do this; ask one")


def _audit(context: RequestContext, what: str, user: UUID) -> None:
    by = context.caller.context
    logger.info("audit: user %s, by %s, request %s: %s", user, by.actor, by.correlation, what)
