"""Logs on their way from the logs service to a client, as JSON, a piece at a time."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from aiohttp import web

from libs.domain.errors import Unavailable
from libs.domain.run import Run
from services.api.call import Resources

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)
_AWAY = (aiohttp.ClientError, TimeoutError)


@asynccontextmanager
async def lines(
    resources: Resources, run: Run, last: int | None
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The run's stamped lines, raw. The logs service waits a little for those that it expects."""
    asked = {"last": last, "expect": run.lines}
    token = resources.config.internal_token.reveal()
    request = resources.http.get(
        f"{resources.config.logs_url}/runs/{run.id}/lines",
        params={name: str(value) for name, value in asked.items() if value is not None},
        headers={"Authorization": f"Bearer {token}"},
        timeout=_TIMEOUT,
    )
    try:
        answer = await request
    except _AWAY as error:
        raise Unavailable(f"the logs service: {error!r}") from error
    async with answer:
        if answer.status != 200:
            raise Unavailable(f"the logs service answered {answer.status}")
        yield answer


async def check(resources: Resources) -> None:
    """For readiness: raises Unavailable when the logs service does not answer."""
    try:
        async with resources.http.get(f"{resources.config.logs_url}/healthz", timeout=_TIMEOUT):
            pass
    except _AWAY as error:
        raise Unavailable(f"the logs service: {error!r}") from error


async def stream(
    request: web.Request, run: Run, source: aiohttp.ClientResponse
) -> web.StreamResponse:
    """`{"logs": [...], "complete": ...}`, holding no more than a piece of it in memory.

    Complete is what has ended, known in full, and stored so far as it is known (I5). When the
    source breaks off so does the answer, visibly: its last chunk never comes.
    """
    complete = run.lines is not None and source.headers.get("Rondo-Complete") == "true"
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    try:
        await response.write(b'{"logs":[')
        async for piece in _pieces(source.content):
            await response.write(piece)
        await response.write(b'],"complete":' + msgspec.json.encode(complete) + b"}")
        await response.write_eof()
    except _AWAY as error:
        logger.warning("logs for %s broke off: %r", request.remote, error)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _pieces(source: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """JSON strings and the commas between them, a piece for what came at once."""
    rest = separator = b""
    async for data in source.iter_any():
        *whole, rest = (rest + data).split(b"\n")
        if whole:
            yield separator + b",".join(_json(line) for line in whole)
            separator = b","
    if rest:
        yield separator + _json(rest)


def _json(line: bytes) -> bytes:
    return msgspec.json.encode(line.decode("utf-8", "replace"))
