"""Who sends a request, and whether its route is open to them."""

from aiohttp import web

from libs.identity.machine_principal import MachinePrincipal, persons_only
from libs.identity.users import User
from services.api.access.authenticate import authenticate
from services.api.resources import Resources

OPEN_TO_MACHINES = web.RequestKey("open_to_machines", bool)  # of the route; closed if unset


async def authenticated(resources: Resources, request: web.Request) -> User:
    """The user of a request. Rejected("unauthorized"), or "forbidden" for a machine on a route for
    persons."""
    authorization = request.headers.get("Authorization", "")
    user = await authenticate(resources.identity, resources.store.rows, authorization)
    if isinstance(user, MachinePrincipal) and not request.get(OPEN_TO_MACHINES, False):
        raise persons_only()
    return user
