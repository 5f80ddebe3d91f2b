"""The HTTP side of a service: served until cancelled, with /healthz and /readyz."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from libs.domain.errors import Unavailable
from libs.service.config import host_and_port

Check = Callable[[], Awaitable[object]]

_CHECK_TIMEOUT = 2.0


async def _missing(checks: Mapping[str, Check]) -> list[str]:
    async def holds(check: Check) -> bool:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                await check()
        except (Unavailable, TimeoutError):
            return False
        return True

    results = await asyncio.gather(*(holds(check) for check in checks.values()))
    return [name for name, good in zip(checks, results, strict=True) if not good]


def add_health(app: web.Application, checks: Mapping[str, Check]) -> None:
    """/healthz: the process answers. /readyz: 200, or 503 and which dependencies are missing."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        missing = await _missing(checks)
        if missing:
            return web.json_response({"status": "not ready", "missing": missing}, status=503)
        return web.json_response({"status": "ready"})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


@asynccontextmanager
async def serving(app: web.Application, listen: str) -> AsyncIterator[None]:
    """Serves while the block lasts; requests under way get a second to end."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    host, port = host_and_port(listen)
    try:
        await web.TCPSite(runner, host, port, reuse_address=True).start()
        yield
    finally:
        await runner.cleanup()
