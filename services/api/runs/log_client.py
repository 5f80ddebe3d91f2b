"""Logs on their way from the logs service to a client, a piece at a time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import aiohttp
import msgspec
from aiohttp import web

from libs.domain.errors import Rejected, Unavailable
from libs.domain.run import Run
from services.api.http.request_context import Resources

logger = logging.getLogger(__name__)

TOGETHER = 100  # lines at most: what breaks off is sent again as a whole
PULSE = 10.0  # s: nobody who follows hears nothing for longer
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)
_PART = ("First", "Lines", "End")
_AWAY = (aiohttp.ClientError, TimeoutError)


def lines(
    resources: Resources, run: Run, last: int | None
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """The run's stamped lines, raw. The logs service waits a little for those that it expects."""
    return _asked(resources, f"{run.id}/lines", {"last": last, "expect": run.lines})


def complete(run: Run, source: aiohttp.ClientResponse) -> bool:
    """What has ended, known in full, and stored so far as it is known (I5)."""
    return run.lines is not None and source.headers.get("Rondo-Complete") == "true"


class Arrived(NamedTuple):
    """Stamped lines; the first of them has the number `first`, counted from 0."""

    first: int
    lines: list[str]


async def follow(resources: Resources, run: UUID, first: int) -> AsyncGenerator[Arrived, None]:
    """Stamped lines from `first` on as they come, until the run has ended; from later on, if those
    before are kept no more.

    Whenever nothing has come for PULSE seconds no lines do. Raises Unavailable.
    """
    ended = False
    while not ended:
        async with _asked(resources, f"{run}/follow", {"from": first}) as source:
            first = int(source.headers["Rondo-First"])
            try:
                async for lines in _arriving(source.content):
                    yield Arrived(first, lines)
                    first += len(lines)
                ended = True
            except aiohttp.ServerTimeoutError:
                pass  # quiet for so long that the other side may be gone: asked again
            except aiohttp.ClientError as error:
                raise Unavailable(f"the logs service: {error!r}") from error


async def _arriving(source: aiohttp.StreamReader) -> AsyncIterator[list[str]]:
    rest = b""
    while True:
        try:
            async with asyncio.timeout(PULSE):
                data = await source.readany()
        except aiohttp.ServerTimeoutError:  # it is a TimeoutError too
            raise
        except TimeoutError:
            yield []
            continue
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        for at in range(0, len(whole), TOGETHER):
            yield [_text(line) for line in whole[at : at + TOGETHER]]


class Part(NamedTuple):
    """Stamped lines without their ends, the number of the first, how many of the run's are stored
    in all, and which number comes after the last of those."""

    lines: list[bytes]
    first: int
    stored: int
    end: int


async def part(resources: Resources, run: Run, first: int, count: int, expect: int) -> Part:
    """`count` lines from `first` on, counted from 0. Waits a little for `expect` in all."""
    query: dict[str, int | str | None] = {"from": first, "count": count, "expect": expect}
    async with _asked(resources, f"{run.id}/lines", query) as source:
        first, stored, end = (int(source.headers[f"Rondo-{name}"]) for name in _PART)
        return Part(await _whole(source), first, stored, end)


async def search(resources: Resources, run: Run, text: str, limit: int) -> list[bytes]:
    """`<number>:<stamped line>` of the first lines that hold `text`, in whatever case."""
    query: dict[str, int | str | None] = {"text": text, "limit": limit, "ignore_case": "true"}
    async with _asked(resources, f"{run.id}/search", query) as source:
        return await _whole(source)


async def _whole(source: aiohttp.ClientResponse) -> list[bytes]:
    try:
        return (await source.read()).split(b"\n")[:-1]
    except _AWAY as error:
        raise Unavailable(f"the logs service: {error!r}") from error


@asynccontextmanager
async def _asked(
    resources: Resources, what: str, query: Mapping[str, int | str | None]
) -> AsyncIterator[aiohttp.ClientResponse]:
    token = resources.config.internal_token.reveal()
    request = resources.logs.get(
        f"runs/{what}",
        params={name: str(value) for name, value in query.items() if value is not None},
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
        async with resources.logs.get("healthz", timeout=_TIMEOUT):
            pass
    except _AWAY as error:
        raise Unavailable(f"the logs service: {error!r}") from error


async def stream(
    request: web.Request, run: Run, source: aiohttp.ClientResponse
) -> web.StreamResponse:
    """`{"logs": [...], "complete": ...}`, holding no more than a piece of it in memory."""
    end = b'],"complete":' + msgspec.json.encode(complete(run, source)) + b"}"

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"logs":['
        async for piece in _strings(source.content):
            yield piece
        yield end

    return await sent(request, {"Content-Type": "application/json"}, pieces())


async def sent(
    request: web.Request, headers: Mapping[str, str], pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """When the source breaks off so does the answer, visibly: its last chunk never comes."""
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except (*_AWAY, Rejected, Unavailable) as problem:
        transport = request.transport
        if transport is not None and not transport.is_closing():  # else nobody listens any more
            logger.warning("a log for %s broke off: %r", request.remote, problem)
            transport.abort()
    return response


async def _strings(source: aiohttp.StreamReader) -> AsyncIterator[bytes]:
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
    return msgspec.json.encode(_text(line))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
