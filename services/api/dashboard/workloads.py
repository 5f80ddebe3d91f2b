"""The list of a workspace's orchestrations, and uploading another one."""

from aiohttp import web

from services.api.dashboard import live, uploads
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.paging import Paging
from services.api.orchestrations import routes as orchestrations
from services.api.read_model.orchestrations import WorkloadStatus, workload_page

_FILTERS: tuple[WorkloadStatus, ...] = ("active", "inactive", "error")


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(visit: PageContext, problem: str = "", status: int = 200) -> web.Response:
    query = visit.context.request.query
    paging = Paging(visit, "search", "status")
    search, chosen_status = query.get("search", "")[:256], query.get("status", "")
    ids = [visit.workspace.id] if visit.workspace else []
    workloads = await workload_page(
        visit.context.store.rows,
        ids,
        search=search,
        status=next((one for one in _FILTERS if one == chosen_status), None),
        before=paging.before,
        limit=paging.limit,
    )
    return visit.page(
        "workloads.html",
        status,
        title="Workloads",
        live=live.address(visit, "orchestration", "task", "run"),
        problem=problem,
        workloads=paging.shown(workloads),
        paging=paging,
        search=search,
        chosen_status=chosen_status,
        upload=uploads.form(visit, "/workloads", {}),
    )


async def upload(visit: PageContext) -> web.Response:
    uploads.check(visit)

    async def again(problem: str, status: int) -> web.Response:
        return await _list(visit, problem, status)

    return await uploads.receive(visit, _upload(visit), again)


async def _upload(visit: PageContext) -> str:
    return f"/workloads/{(await orchestrations.upload(visit.context, None)).id}"
