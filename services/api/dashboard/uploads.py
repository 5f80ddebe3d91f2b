"""Forms that upload a file: what they send, and how an upload is answered."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from libs.domain.errors import Rejected
from services.api.append.store import NotVisibleYet
from services.api.dashboard.form_token import form_token
from services.api.dashboard.page_context import PageContext
from services.api.http.errors import STATUS, Refusal

Again = Callable[[str, int], Awaitable[web.Response]]
_PURPOSE = "upload"


def form(visit: PageContext, path: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """What a form at `path` sends; empty without a workspace. Its token stands in the address,
    since the file is read as it comes; it is good for nothing else."""
    if visit.workspace is None:
        return {}
    query = {"workspace": visit.workspace.id, "form": form_token(visit.secret, _PURPOSE)}
    about = {"workspace_id": visit.workspace.id, **metadata}
    return {
        "action": f"{path}?{urlencode(query)}",
        "most": visit.context.runtime.config.max_upload_bytes,
        "metadata": msgspec.json.encode(about).decode(),
    }


async def receive(visit: PageContext, upload: Awaitable[str], again: Again) -> web.Response:
    """As from any other client. `upload` gives the address of what was uploaded. A script that asks
    for JSON gets that, or the problem; `again` shows a page with the problem and a status."""
    as_json = "application/json" in visit.context.request.headers.get("Accept", "")
    try:
        address = await upload
    except Rejected as refused:
        if as_json or refused.code in ("forbidden", "not_found"):
            raise
        return await again(refused.message, STATUS[refused.code])
    except NotVisibleYet as accepted:
        if as_json:
            raise
        return await again(str(accepted), 503)
    except Refusal as refused:  # too large
        if as_json:
            raise
        return await again(str(refused), refused.status)
    return web.json_response({"location": address}, status=201) if as_json else visit.to(address)


def check(visit: PageContext) -> None:
    """Rejected("forbidden") unless the upload comes from one of our forms."""
    visit.check(visit.context.request.query.get("form", ""), _PURPOSE)
