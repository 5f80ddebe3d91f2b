"""What the code of a run may do: act as its task's owner, in its workspace, until the run ends.

It has none of an administrator's rights, and what concerns people rather than work (members,
users, other workspaces, what happens to connections) is closed to it: the code may be another
member's than its owner.
"""

import msgspec

from libs.domain import run
from libs.domain.errors import Rejected
from libs.runtoken.token import Claims
from services.api import queries
from services.api.call import Resources
from services.api.identity.tokens import Pair
from services.api.identity.users import User

ACCESS_SECONDS = 24 * 3600

_OPEN_FOLDERS = ("/v1/api/orchestration/", "/v1/api/task/", "/v1/graphql")
_OPEN = {
    "/v1/api/workspaces/list",
    "/v1/api/connections/get",
    "/v1/api/connections/get_by_id",
    "/v1/api/connections/list",
}


class RunUser(User, frozen=True, kw_only=True):
    """A task's owner as its run may act: `admin` is never set. `entitled` says that they are an
    administrator, who needs not be a member of `workspace`."""

    workspace: int
    entitled: bool


async def user(resources: Resources, token: str, path: str) -> RunUser:
    """Whom a run's token stands for. Rejected: "unauthorized", or "forbidden" for that path."""
    claims = resources.run_tokens.claims(token, "Run")
    owner = await _owner(resources, claims)
    if not path.startswith(_OPEN_FOLDERS) and path not in _OPEN:
        raise Rejected("forbidden", "Authorization: this is not for code in tasks; log in yourself")
    fields = msgspec.structs.asdict(owner) | {"admin": False}
    return RunUser(**fields, workspace=claims.workspace, entitled=owner.admin)


async def renewed(resources: Resources, token: str) -> Pair:
    """A new access token for a run's refresh token, which stays good until the run has ended."""
    claims = resources.run_tokens.claims(token, "RunRefresh")
    owner = await _owner(resources, claims)
    now = int(resources.run_tokens.clock())
    left = claims.exp - now
    seconds = min(ACCESS_SECONDS, left)
    access = resources.run_tokens.sign(claims.grant, "Run", owner.email, now + seconds)
    return Pair(access, seconds, token, left)


async def _owner(resources: Resources, claims: Claims) -> User:
    owner = await resources.users.by_id(claims.sub)
    if owner is None:
        raise Rejected("unauthorized", "Authorization: the task's owner is gone or disabled")
    # A run that the views don't show yet has just begun: else it would have no token.
    found = await queries.run(resources.rows, claims.run)
    if found is not None and found.status in run.ENDED:
        raise Rejected("unauthorized", "Authorization: the run that this token is for has ended")
    return owner
