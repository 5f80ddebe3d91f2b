"""Who there is, in Keycloak's form: everybody who is signed in may look, to share a workspace."""

from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.identity.users import User
from services.api.http.request_context import RequestContext

PATH = "/auth/admin/realms/master/users"


class Account(msgspec.Struct, rename="camel"):
    """`createdTimestamp` is in milliseconds since 1970."""

    id: UUID
    username: str
    email: str
    enabled: bool
    created_timestamp: int
    admin: bool

    @staticmethod
    def of(user: User) -> "Account":
        created = int(user.created_at.timestamp() * 1000)
        return Account(user.id, user.username, user.email, user.enabled, created, user.admin)


class Query(msgspec.Struct):
    """All, or those of these ids."""

    user_ids: list[UUID] | None = None


class Accounts(msgspec.Struct):
    """By id."""

    users: dict[UUID, Account]


async def by_id(context: RequestContext, _: None) -> Account:
    id = account_id(context)
    found = await context.identity.users.by_ids([id])
    if not found:
        raise _unknown(id)
    return Account.of(found[0])


def account_id(context: RequestContext) -> UUID:
    """The one in the path."""
    asked = context.request.match_info["id"]
    try:
        return UUID(asked)
    except ValueError:
        raise _unknown(asked) from None


def _unknown(id: object) -> Rejected:
    return Rejected("not_found", f"id: there is no user {id}; see {PATH}")


async def search(context: RequestContext, _: None) -> list[Account]:
    """The one of `?email=`, or all."""
    email = context.request.query.get("email")
    if email is None:
        return [Account.of(user) for user in await context.identity.users.everybody()]
    found = await context.identity.users.by_email(email)
    return [Account.of(found)] if found else []


async def query(context: RequestContext, body: Query) -> Accounts:
    users = context.identity.users
    if body.user_ids is None:
        found = await users.everybody()
    else:
        found = await users.by_ids(body.user_ids)
    return Accounts({user.id: Account.of(user) for user in found})
