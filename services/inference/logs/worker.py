"""The process that seals and reads pipeline logs, as HTTP for the service that started it.

It holds pyarrow, so it is there only while there is something to do.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import msgspec
from aiohttp import web

from libs.domain.errors import Code, Rejected, Unavailable
from services.inference.logs import answer
from services.inference.logs.log_query import MAX_INT64, LogQuery
from services.inference.logs.read import Reader
from services.inference.logs.retention import Retention
from services.inference.logs.seal import Sealer
from services.inference.logs.unsealed import Unsealed

logger = logging.getLogger(__name__)

SCHEMA = "pipeline_logs_v1"
_TICK_SECONDS = 20.0
_RETENTION_SECONDS = 1800.0
_STATUS: dict[Code, int] = {"invalid": 400, "not_found": 404, "no_space": 507}
_MEDIA = {"json": "application/json", "arrow": "application/vnd.apache.arrow.file"}

Kind = TypeVar("Kind")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Worker:
    """`app` serves; `run` seals, and returns when nobody has asked for a while."""

    def __init__(
        self, reader: Reader, sealer: Sealer, retention: Retention, files: Unsealed
    ) -> None:
        self._reader, self._sealer = reader, sealer
        self._retention, self._files = retention, files
        self._used, self._asking = time.monotonic(), 0
        self._looked_at_age = -_RETENTION_SECONDS
        self.app = web.Application(middlewares=[self._counted], client_max_size=1 << 20)
        self.app.router.add_post("/pipelines/{id}/records", self.records)
        self.app.router.add_post("/pipelines/{id}/count", self.count)
        self.app.router.add_post("/pipelines/{id}/forget", self.forget)
        self.app.router.add_post("/runs/{id}/pipelines", self.pipelines)
        self.app.router.add_post("/seal", self.seal)

    async def run(self, idle_seconds: float) -> None:
        """Until nobody has asked for `idle_seconds`."""
        while self._asking or time.monotonic() - self._used < idle_seconds:
            try:
                await self.tick()
            except (Unavailable, Rejected) as problem:
                logger.warning("pipeline logs are not sealed now: %s", problem)
            await asyncio.sleep(min(_TICK_SECONDS, idle_seconds))

    async def tick(self) -> None:
        """Raises Unavailable, or Rejected("no_space")."""
        await self._sealer.tick()
        if time.monotonic() - self._looked_at_age >= _RETENTION_SECONDS:
            files = await asyncio.to_thread(self._files.files)
            await self._retention.tick(time.time_ns() // 1_000_000, min(files, default=MAX_INT64))
            self._looked_at_age = time.monotonic()

    async def records(self, request: web.Request) -> web.Response:
        """A page of a LogQuery. Its status and cursor are in headers too."""
        query = _decoded(await request.read(), LogQuery)
        page = await self._reader.page(_id(request), query)
        write = answer.arrow if query.form == "arrow" else answer.records
        body = await asyncio.to_thread(write, page, query)
        headers = {"Content-Type": _MEDIA[query.form], "Rondo-Log-Status": page.status}
        if page.next is not None:
            headers["Rondo-Log-Next"] = page.next
        return web.Response(body=body, headers=headers)

    async def count(self, request: web.Request) -> web.Response:
        """How many rows there are."""
        return web.json_response({"rows": await self._reader.count(_id(request))})

    async def pipelines(self, request: web.Request) -> web.Response:
        """Of a task run: how many rows of which pipelines it has asked for."""
        counts = await self._reader.pipelines_of(_id(request))
        return web.json_response({str(pipeline): rows for pipeline, rows in counts.items()})

    async def forget(self, request: web.Request) -> web.Response:
        """A pipeline up to `until`, in ms since 1970."""
        until = _decoded(await request.read(), dict[str, int])["until"]
        await self._retention.forget(_id(request), until)
        return web.Response(status=204)

    async def seal(self, _: web.Request) -> web.Response:
        """What can be sealed now."""
        return web.json_response({"files": await self._sealer.tick()})

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._asking += 1
        try:
            return await handler(request)
        except Rejected as refused:
            status = _STATUS.get(refused.code, 400)
            return web.json_response({"code": refused.code, "msg": refused.message}, status=status)
        except Unavailable as problem:
            return web.json_response({"code": "unavailable", "msg": str(problem)}, status=503)
        finally:
            self._asking -= 1
            self._used = time.monotonic()


def _id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise Rejected("invalid", "id: give a UUID") from None


def _decoded(body: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Rejected("invalid", str(error)) from None
