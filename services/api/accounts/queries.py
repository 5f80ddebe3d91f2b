"""Users and service tokens, for readers.

Everybody who is logged in may look up users, to share a workspace.
"""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.errors import Rejected
from libs.identity.service_tokens import ServiceToken, ServiceTokens
from libs.identity.users import User, Users
from services.api.access import authorize as access

USERS_PATH = "/auth/admin/realms/master/users"


async def user(users: Users, id: UUID) -> User:
    """The user with that id, disabled or not. Rejected("not_found")."""
    for user in await users.by_ids([id]):
        return user
    raise unknown(id)


def unknown(id: object) -> Rejected:
    """The refusal for an id that no user has."""
    return Rejected("not_found", f"id: there is no user {id}; see {USERS_PATH}")


async def with_email(users: Users, email: str | None) -> list[User]:
    """The user with that email, or none; all users for None."""
    if email is None:
        return await users.everybody()
    user = await users.by_email(email)
    return [user] if user else []


async def with_ids(users: Users, ids: Sequence[UUID] | None) -> list[User]:
    """The users with these ids, without those that do not exist; all users for None."""
    return await users.everybody() if ids is None else await users.by_ids(ids)


async def tokens(user: User, service_tokens: ServiceTokens) -> list[ServiceToken]:
    """The user's own tokens, or everybody's for an administrator. Rejected for a machine."""
    person = access.person(user)
    return await service_tokens.of(None if person.admin else person.id)
