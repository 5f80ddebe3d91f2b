"""Commands for users and service tokens. Each change is a line of our log that says who made it.

Administrators manage users. Persons change their own password, and create and revoke their tokens.
"""

import logging
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.domain import names
from libs.domain.errors import Rejected
from libs.identity.service_tokens import ServiceToken, ServiceTokens
from libs.identity.users import User, Users
from services.api.access import authorize as access
from services.api.access.identity import Identity
from services.api.accounts.schemas import (
    MAX_TOKEN_NAME,
    ChangePassword,
    CreateToken,
    CreateUser,
    ResetPassword,
    SetAdmin,
    SetEnabled,
)
from services.api.append.caller import Caller
from services.api.read_model.row_types import Rows

logger = logging.getLogger(__name__)


async def create(caller: Caller, users: Users, order: CreateUser) -> tuple[User, str | None]:
    """Create a user. Returns the user, and the password if it was made up here.

    Rejected("forbidden") unless the caller is an administrator, "conflict" for a taken email.
    """
    access.administrator(caller.user)
    password, made_up = _password(order.password)
    user = await users.create(order.email, password, admin=order.admin)
    kind = "administrator" if order.admin else "user"
    _audit(caller, "user", user.id, f"created {kind} {user.email}")
    return user, made_up


async def reset_password(
    caller: Caller, users: Users, order: ResetPassword
) -> tuple[User, str | None]:
    """Set a password, and end all logins of the user. Returns the same as `create`.

    Rejected("forbidden") unless the caller is an administrator, "not_found".
    """
    access.administrator(caller.user)
    password, made_up = _password(order.password)
    user = await users.set_password(order.id, password)
    _audit(caller, "user", user.id, "set a password of")
    return user, made_up


async def change_password(
    caller: Caller, identity: Identity, address: str, order: ChangePassword
) -> User:
    """Change the caller's own password, and end all their logins.

    `address` is that of the caller: wrong passwords have to wait here as they do at a login.
    Rejected("forbidden") for a wrong current password, TooSoon when it was not even tried.
    """
    me = caller.user
    if await identity.login(me.email, order.current, address) is None:
        raise Rejected("forbidden", "current: this is not your password until now")
    user = await identity.users.set_password(me.id, order.password)
    _audit(caller, "user", user.id, "changed the password of")
    return user


async def set_enabled(caller: Caller, users: Users, order: SetEnabled) -> User:
    """Disable a user, whose tokens end within seconds, or enable them again.

    Rejected("forbidden") unless the caller is an administrator, "not_found", "conflict" for the
    last administrator.
    """
    access.administrator(caller.user)
    user = await users.set_enabled(order.id, order.enabled)
    _audit(caller, "user", user.id, "enabled" if order.enabled else "disabled")
    return user


async def set_admin(caller: Caller, users: Users, order: SetAdmin) -> User:
    """Make a user an administrator, or no longer one. Raises as `set_enabled`."""
    access.administrator(caller.user)
    user = await users.set_admin(order.id, order.admin)
    change = "made an administrator" if order.admin else "no administrator any more"
    _audit(caller, "user", user.id, change)
    return user


async def create_token(
    caller: Caller, rows: Rows, tokens: ServiceTokens, order: CreateToken
) -> tuple[ServiceToken, str]:
    """Create a token with which a program acts for the caller. Returns it with its secret.

    Rejected("forbidden") for a machine, and for workspaces that the caller may not enter.
    """
    names.check("name", order.name, MAX_TOKEN_NAME)
    for id in order.workspaces:
        await access.workspace(caller.user, rows, id, "workspaces")
    expires = datetime.now(UTC) + timedelta(days=order.days) if order.days else None
    owner = access.person(caller.user).id
    token, secret = await tokens.create(order.name, owner, sorted(set(order.workspaces)), expires)
    _audit(caller, "token", token.id, "created")
    return token, secret


async def revoke_token(caller: Caller, tokens: ServiceTokens, id: UUID) -> ServiceToken:
    """End a token within seconds. Revoking it twice is no error.

    Rejected("not_found"), or "forbidden" for somebody else's unless the caller is an administrator.
    """
    me = access.person(caller.user)
    token = await tokens.by_id(id)
    if token is None:
        raise Rejected("not_found", f"id: there is no token {id}; see tokens/list")
    if not me.admin and token.owner != me.id:
        raise Rejected("forbidden", f"id: token {id} is another's; ask them to revoke it")
    _audit(caller, "token", token.id, "revoked")
    return await tokens.revoke(token.id)


def _password(password: str | None) -> tuple[str, str | None]:
    """The password, and once more if it is made up here."""
    made_up = None if password else secrets.token_urlsafe(15)
    return password or made_up or "", made_up


def _audit(caller: Caller, kind: str, id: UUID, what: str) -> None:
    context = caller.context
    logger.info(
        "audit: %s %s, by %s, request %s: %s", kind, id, context.actor, context.correlation, what
    )
