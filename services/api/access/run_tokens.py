"""The code of a run acts as the owner of its task, in its workspace, until the run ends."""

from libs.domain.errors import Rejected
from libs.domain.run_end import ENDED
from libs.identity.machine_principal import MachinePrincipal, acting_for
from libs.identity.tokens import Pair
from libs.identity.users import User
from libs.runtoken.token import Claims
from services.api.access.identity import Identity
from services.api.read_model.row_types import Rows
from services.api.read_model.runs import find_begun_run

ACCESS_SECONDS = 24 * 3600


async def user(identity: Identity, rows: Rows, token: str) -> MachinePrincipal:
    """The principal of a run's token. Rejected("unauthorized") when the run has ended."""
    claims = identity.run_tokens.claims(token, "Run")
    owner = await _owner(identity, rows, claims)
    return acting_for(owner, [claims.workspace], claims.run)


async def renewed(identity: Identity, rows: Rows, token: str) -> Pair:
    """A new access token for a run's refresh token, which is good until the run has ended."""
    claims = identity.run_tokens.claims(token, "RunRefresh")
    owner = await _owner(identity, rows, claims)
    now = int(identity.run_tokens.clock())
    left = claims.exp - now
    seconds = min(ACCESS_SECONDS, left)
    access = identity.run_tokens.sign(claims.grant, "Run", owner.email, now + seconds)
    return Pair(access, seconds, token, left)


async def _owner(identity: Identity, rows: Rows, claims: Claims) -> User:
    owner = await identity.users.by_id(claims.sub)
    if owner is None:
        raise Rejected("unauthorized", "Authorization: the task's owner is gone or disabled")
    # A run that the views don't show yet has just begun: else it would have no token.
    run = await find_begun_run(rows, claims.run)
    if run is not None and run.status in ENDED:
        raise Rejected("unauthorized", "Authorization: the run that this token is for has ended")
    return owner
