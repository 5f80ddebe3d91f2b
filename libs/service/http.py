"""The HTTP side of a service: served until cancelled, with /healthz and /readyz."""

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import aiohttp
from aiohttp import web

from libs.domain import zones
from libs.domain.errors import Unavailable
from libs.service.config import host_and_port
from libs.service.connections import OF_CALLERS, Connections, Share
from libs.service.timed_connection import Elsewhere

Check = Callable[[], Awaitable[object]]

UNIX = "unix:"
_CHECK_TIMEOUT = 2.0
_BACKLOG = 1024
_TURNS = 4  # of the loop, until asyncio has made a connection of what it has accepted, and one more


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


async def _nothing() -> dict[str, object]:
    return {}


def add_health(
    app: web.Application,
    checks: Mapping[str, Check],
    about: Callable[[], Awaitable[Mapping[str, object]]] = _nothing,
) -> None:
    """/healthz: the process answers. /readyz: 200, or 503 and which dependencies are missing; with
    the version of the rules for time zones, and what else there is to know, by `about`."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        missing = await _missing(checks)
        known = {"tzdata": zones.VERSION}
        if missing:
            answer = {"status": "not ready", "missing": missing, **known}
            return web.json_response(answer, status=503)
        return web.json_response({"status": "ready", **known, **await about()})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


@asynccontextmanager
async def serving(
    app: web.Application,
    listen: str,
    given: str = "",
    share: Share | None = None,
    *,
    cancels: bool = False,
    elsewhere: Elsewhere | None = None,
    grace: float = 0.0,
) -> AsyncIterator[None]:
    """Serves while the block lasts; requests under way get a second to end, and `grace` seconds
    before that in which their bodies may still come. At `listen`, or on the listening sockets whose
    numbers are `given`; see Config. With a grace, whoever has connected to a unix socket by then is
    answered, and others find nobody there. `share` bounds how many connections
    there may be (libs/service/connections.py). With `cancels` a handler is cancelled when its
    caller hangs up. Requests for `elsewhere` are handed over to it (libs/service/handover.py)."""
    connections = Connections(share, elsewhere)
    app.middlewares.insert(0, connections.middleware)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=OF_CALLERS,
        shutdown_timeout=1.0,
        handler_cancellation=cancels,
    )
    await runner.setup()
    server = cast(Callable[[], asyncio.Protocol], runner.server)
    accept = connections.behind(server)
    if elsewhere is not None:
        elsewhere.returned = partial(connections.returned, server)
    servers: list[asyncio.Server] = []
    try:
        async with connections.watched():
            try:
                servers += await _listening(accept, listen, given)
                yield
            finally:
                if grace and listen.startswith(UNIX):
                    await _accept_last(listen.removeprefix(UNIX), servers)
                for each in servers:
                    each.close()
                # aiohttp, once it closes, reads nothing more of the bodies of requests under way.
                await connections.quiet(grace)
    finally:
        await runner.cleanup()


async def _listening(
    accept: Callable[[], asyncio.Protocol], listen: str, given: str
) -> list[asyncio.Server]:
    loop = asyncio.get_running_loop()
    if given:
        sockets = [socket.socket(fileno=int(number)) for number in given.split(",")]
        return [await loop.create_server(accept, sock=each) for each in sockets]
    if listen.startswith(UNIX):
        path = listen.removeprefix(UNIX)
        return [await loop.create_unix_server(accept, path, backlog=_BACKLOG)]
    host, port = host_and_port(listen)
    return [await loop.create_server(accept, host, port, reuse_address=True)]


async def _accept_last(path: str, servers: Sequence[asyncio.Server]) -> None:
    """Nobody connects any more; who has is accepted."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    waiting = select.poll()
    for server in servers:
        for each in server.sockets:
            waiting.register(each, select.POLLIN)
    turns = 0
    while turns < _TURNS:
        turns = 0 if waiting.poll(0) else turns + 1
        await asyncio.sleep(0)


def calling(url: str, *, stays: bool = True) -> aiohttp.ClientSession:
    """For calls of another service, by a path without its first slash. It listens at `url`:
    http://host:port, or `unix:` and the path of its socket. Without `stays` each call of the latter
    has a connection of its own, which that service can't be about to close."""
    if url.startswith(UNIX):
        connector = aiohttp.UnixConnector(url.removeprefix(UNIX), force_close=not stays)
        return aiohttp.ClientSession("http://localhost/", connector=connector)
    return aiohttp.ClientSession(url.rstrip("/") + "/")
