"""Bodies and answers of the routes for users and service tokens. Users have Keycloak's form."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.identity.service_tokens import ServiceToken
from libs.identity.users import User
from services.api.fields import Email, WorkspaceId

MAX_TOKEN_NAME = 256

Password = Annotated[str, Meta(min_length=8, max_length=1024)]


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
    """All users, or those with these ids."""

    user_ids: list[UUID] | None = None


class Accounts(msgspec.Struct):
    """Users by id."""

    users: dict[UUID, Account]


class CreateUser(msgspec.Struct):
    """Without a password the platform makes one up, and shows it once."""

    email: Email
    password: Password | None = None
    admin: bool = False

    def __repr__(self) -> str:
        return f"CreateUser(email={self.email!r})"


class ResetPassword(msgspec.Struct):
    """Without a password the platform makes one up, and shows it once."""

    id: UUID
    password: Password | None = None

    def __repr__(self) -> str:
        return f"ResetPassword(id={self.id})"


class ChangePassword(msgspec.Struct):
    """Your own password. `current` is the one until now."""

    current: Annotated[str, Meta(max_length=1024)]
    password: Password

    def __repr__(self) -> str:
        return "ChangePassword(***)"


class SetEnabled(msgspec.Struct):
    id: UUID
    enabled: bool


class Representation(msgspec.Struct):
    """The part of a user in Keycloak's form that can be changed."""

    enabled: bool


class SetAdmin(msgspec.Struct):
    id: UUID
    admin: bool


class Invited(Account, kw_only=True):
    """`password` exists only if the platform made it up."""

    password: str | None = None

    @staticmethod
    def of_user(user: User, password: str | None) -> "Invited":
        return Invited(**msgspec.structs.asdict(Account.of(user)), password=password)

    def __repr__(self) -> str:
        return f"Invited({self.email!r})"


class WithPassword(msgspec.Struct):
    """`password` exists only if the platform made it up."""

    user: Account
    password: str | None = None

    def __repr__(self) -> str:
        return f"WithPassword({self.user!r})"


class CreateToken(msgspec.Struct):
    """It is good for these workspaces only; without `days` until somebody revokes it."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN_NAME)]
    workspaces: Annotated[list[WorkspaceId], Meta(min_length=1, max_length=100)]
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class CreatedToken(msgspec.Struct):
    """`secret` is shown only this once; send it as `Authorization: Bearer`."""

    token: ServiceToken
    secret: str

    def __repr__(self) -> str:
        return f"CreatedToken({self.token!r})"


class TokenById(msgspec.Struct):
    id: UUID


class TokenList(msgspec.Struct):
    tokens: list[ServiceToken]
