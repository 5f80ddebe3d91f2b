"""Whose inference is it, and may they? The inference service asks, before it lets a request in.

Open to whoever has the internal token: to others there is nothing here.
"""

import hmac
import time
from uuid import UUID

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from libs.domain.errors import Rejected
from libs.identity.machine_principal import MachinePrincipal
from services.api.access.authenticate import authenticate
from services.api.deployments import queries
from services.api.gateway import TOKEN_HEADER
from services.api.http.errors import STATUS
from services.api.inference.refusal import InferenceRefused
from services.api.resources import Resources

PATH = "/internal/inference/permit"
GOOD_FOR_SECONDS = 5.0


class Permit(msgspec.Struct):
    """`expires_at` is in seconds since 1970: nobody may rely on it for longer. `run` is the run
    whose code asks, if it is one."""

    workspace: int
    pipeline: UUID
    deployment: UUID
    user: UUID
    run: UUID | None
    expires_at: float


def permit(resources: Resources) -> Handler:
    """The handler, for `?deployment=<deploy_id>-<number>&pipeline=<name>` and the Authorization
    header of the user's request."""
    token = resources.runtime.config.internal_token.reveal().encode()

    async def handle(request: web.Request) -> web.Response:
        given = request.headers.get(TOKEN_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, token):
            raise web.HTTPNotFound
        try:
            answer = await _permit(resources, request)
        except Rejected as refused:
            raise InferenceRefused(STATUS[refused.code], refused.code, refused.message) from None
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    return handle


async def _permit(resources: Resources, request: web.Request) -> Permit:
    rows, query = resources.store.rows, request.query
    authorization = request.headers.get("Authorization", "")
    user = await authenticate(resources.identity, rows, authorization)
    state = await queries.by_name(user, rows, query.get("deployment", ""), "deployment")
    if state.name != query.get("pipeline"):
        raise Rejected("not_found", f"pipeline: this is deployment {state.number} of another one")
    return Permit(
        state.workspace,
        state.pipeline,
        state.id,
        user.id,
        user.run if isinstance(user, MachinePrincipal) else None,
        time.time() + GOOD_FOR_SECONDS,
    )
