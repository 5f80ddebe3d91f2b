"""A subscription lasts as long as who created it may see its workspace (I8)."""

from uuid import UUID

from libs.domain import subscription
from libs.domain.ids import subscription_stream
from libs.domain.subscription import Subscription
from libs.eventlog.envelope import Context
from libs.eventlog.transact import transact
from services.api.read_model.workspaces import find_workspace
from services.api.resources import Resources

REASON = "who created it may not see the workspace any more"


async def entitled(resources: Resources, found: Subscription) -> bool:
    """A member of the workspace or an administrator, and not disabled."""
    creator = await resources.identity.users.by_id(UUID(found.created_by))
    if creator is None:
        return False
    if creator.admin:
        return True
    workspace = await find_workspace(resources.store.rows, found.workspace)
    return workspace is not None and str(creator.id) in workspace.members


async def end(resources: Resources, id: UUID) -> None:
    """For want of that. Once more does nothing."""
    await transact(
        resources.store.log,
        subscription_stream(id),
        subscription.evolve,
        lambda state: subscription.delete(state, REASON),
        Context(source="api", actor="api"),
    )
