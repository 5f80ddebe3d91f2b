"""Subscriptions and their deliveries, as their readers may see them."""

from uuid import UUID

from libs.domain.errors import Rejected
from libs.domain.subscription import Subscription
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.read_model.row_types import Rows
from services.api.subscriptions import schemas
from services.webhooks import projection
from services.webhooks.delivery_store import DeadLetter, Delivery
from services.webhooks.resources import WebhookResources


async def readable(user: User, rows: Rows, webhooks: WebhookResources, id: UUID) -> Subscription:
    """One of a workspace that the caller may see. Rejected("not_found") or ("forbidden")."""
    found = await projection.find(webhooks.rows, id)
    if found is None:
        raise Rejected(
            "not_found", f"id: there is no subscription {id}; list them to see their ids"
        )
    await access.workspace(user, rows, found.workspace, "id")
    return found


async def owned(user: User, rows: Rows, webhooks: WebhookResources, id: UUID) -> Subscription:
    """One that the caller may change. Rejected("not_found") or ("forbidden")."""
    found = await readable(user, rows, webhooks, id)
    if found.created_by != str(user.id):
        await access.owned_workspace(user, rows, found.workspace, "id")
    return found


async def listed(
    user: User, rows: Rows, webhooks: WebhookResources, workspace: int | None
) -> list[schemas.Subscription]:
    """Those of one workspace, or of all that the caller may see; oldest first."""
    if workspace is not None:
        visible = [(await access.workspace(user, rows, workspace)).id]
    else:
        visible = [state.id for state in await access.workspaces(user, rows)]
    found = await projection.find_all(webhooks.rows, visible)
    cursors = await webhooks.deliveries.cursors([state.id for state in found])
    return [schemas.Subscription.of(state, cursors.get(state.id)) for state in found]


async def by_id(
    user: User, rows: Rows, webhooks: WebhookResources, id: UUID
) -> schemas.Subscription:
    """Rejected: "not_found" or "forbidden"."""
    return await shown(webhooks, await readable(user, rows, webhooks, id))


async def shown(webhooks: WebhookResources, state: Subscription) -> schemas.Subscription:
    """With how far its deliveries are."""
    cursors = await webhooks.deliveries.cursors([state.id])
    return schemas.Subscription.of(state, cursors.get(state.id))


async def deliveries(
    user: User, rows: Rows, webhooks: WebhookResources, id: UUID, limit: int
) -> list[Delivery]:
    """The last attempts, newest first; for those who may change the subscription."""
    found = await owned(user, rows, webhooks, id)
    return await webhooks.deliveries.deliveries(found.id, limit)


async def dead_letters(
    user: User, rows: Rows, webhooks: WebhookResources, id: UUID, limit: int
) -> list[DeadLetter]:
    """In the order of their events; for those who may change the subscription."""
    found = await owned(user, rows, webhooks, id)
    return await webhooks.deliveries.dead_letters(found.id, limit)
