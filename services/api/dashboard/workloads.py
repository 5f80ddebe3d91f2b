"""The list of a workspace's orchestrations."""

from aiohttp import web

from services.api import queries
from services.api.dashboard.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    rows = visit.call.resources.rows
    ids = [visit.workspace.id] if visit.workspace else []
    found = await queries.orchestrations(rows, ids)
    return visit.page("workloads.html", title="Workloads", workloads=found)
