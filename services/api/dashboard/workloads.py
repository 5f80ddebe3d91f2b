"""The list of a workspace's orchestrations, and uploading another one."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from services.api.append.store import NotVisibleYet
from services.api.dashboard import live
from services.api.dashboard.form_token import form_token
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.paging import Paging
from services.api.http.errors import STATUS, Refusal
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
        upload=_upload(visit),
    )


def _upload(visit: PageContext) -> dict[str, Any]:
    """What the form sends. Its token stands in the address, since the file is read as it comes;
    it is good for nothing else."""
    if visit.workspace is None:
        return {}
    token = form_token(visit.secret, "upload")
    return {
        "action": "/workloads?" + urlencode({"workspace": visit.workspace.id, "form": token}),
        "most": visit.context.runtime.config.max_upload_bytes,
        "metadata": msgspec.json.encode({"workspace_id": visit.workspace.id}).decode(),
    }


async def upload(visit: PageContext) -> web.Response:
    """As from any other client. A script that asks for JSON gets where to look, or the problem."""
    visit.check(visit.context.request.query.get("form", ""), "upload")
    as_json = "application/json" in visit.context.request.headers.get("Accept", "")
    try:
        upload = await orchestrations.upload(visit.context, None)
    except Rejected as refused:
        if as_json or refused.code in ("forbidden", "not_found"):
            raise
        return await _list(visit, refused.message, STATUS[refused.code])
    except NotVisibleYet as accepted:
        if as_json:
            raise
        return await _list(visit, str(accepted), 503)
    except Refusal as refused:  # too large
        if as_json:
            raise
        return await _list(visit, str(refused), refused.status)
    address = f"/workloads/{upload.id}"
    return web.json_response({"location": address}, status=201) if as_json else visit.to(address)
