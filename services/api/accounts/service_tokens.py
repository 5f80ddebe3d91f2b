"""Programs that call with a service token: each person makes, lists and revokes their own."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import names
from libs.domain.errors import Rejected
from libs.identity.service_tokens import ServiceToken
from services.api.access import authorize as access
from services.api.fields import WorkspaceId
from services.api.http.request_context import RequestContext

_MAX_NAME = 256

logger = logging.getLogger(__name__)


class CreateToken(msgspec.Struct):
    """`workspaces` are all that it will see; without `days` it is good until it is revoked."""

    name: Annotated[str, Meta(min_length=1, max_length=_MAX_NAME)]
    workspaces: Annotated[list[WorkspaceId], Meta(min_length=1, max_length=100)]
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class CreatedToken(msgspec.Struct):
    """`secret` is shown this once; send it as `Authorization: Bearer`."""

    token: ServiceToken
    secret: str

    def __repr__(self) -> str:
        return f"CreatedToken({self.token!r})"


class TokenById(msgspec.Struct):
    id: UUID


class TokenList(msgspec.Struct):
    tokens: list[ServiceToken]


async def create(context: RequestContext, body: CreateToken) -> CreatedToken:
    names.check("name", body.name, _MAX_NAME)
    for id in body.workspaces:
        await access.workspace(context.user, context.store.rows, id, "workspaces")
    expires = datetime.now(UTC) + timedelta(days=body.days) if body.days else None
    made, secret = await context.identity.service_tokens.create(
        body.name, access.person(context.user).id, sorted(set(body.workspaces)), expires
    )
    _audit(context, "created", made.id)
    return CreatedToken(made, secret)


async def list_tokens(context: RequestContext, _: object) -> TokenList:
    """Administrators see everybody's."""
    me = access.person(context.user)
    return TokenList(await context.identity.service_tokens.of(None if me.admin else me.id))


async def revoke(context: RequestContext, body: TokenById) -> ServiceToken:
    """It ends within seconds; revoking twice is revoking once."""
    me, tokens = access.person(context.user), context.identity.service_tokens
    found = await tokens.by_id(body.id)
    if found is None:
        raise Rejected("not_found", f"id: there is no token {body.id}; see tokens/list")
    if not me.admin and found.owner != me.id:
        raise Rejected("forbidden", f"id: token {body.id} is another's; ask them to revoke it")
    _audit(context, "revoked", found.id)
    return await tokens.revoke(found.id)


def _audit(context: RequestContext, what: str, id: UUID) -> None:
    by = context.caller.context
    logger.info("audit: token %s, by %s, request %s: %s", id, by.actor, by.correlation, what)
