"""The output of runs, from the logs service, piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import aiohttp

from libs.domain.errors import Unavailable
from libs.domain.run import Run
from libs.service.config import Secret

MAX_TOGETHER = 100  # lines at most: what breaks off is sent again as a whole
PULSE_SECONDS = 10.0  # nobody who follows hears nothing for longer
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)
_PART = ("First", "Lines", "End")
AWAY = (aiohttp.ClientError, TimeoutError)


def complete(run: Run, source: aiohttp.ClientResponse) -> bool:
    """Whether the run has ended and all its lines are stored (I5)."""
    return run.lines is not None and source.headers.get("Rondo-Complete") == "true"


class Arrived(NamedTuple):
    """Stamped lines; the first of them has the number `first`, counted from 0."""

    first: int
    lines: list[str]


class Part(NamedTuple):
    """Stamped lines without their line ends.

    `first` is the number of the first of them. The rest says how many lines of the run are stored
    in all, and which number comes after the last.
    """

    lines: list[bytes]
    first: int
    stored: int
    end: int


class RunLogs:
    """Reads from the logs service over `session` with our `token`. All raise Unavailable."""

    def __init__(self, session: aiohttp.ClientSession, token: Secret) -> None:
        self._session = session
        self._token = token

    def lines(
        self, run: Run, last: int | None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The stamped lines of a run, as bytes. The service waits a little for missing ones."""
        return self._answer(f"{run.id}/lines", {"last": last, "expect": run.lines})

    async def follow(self, run: UUID, first: int) -> AsyncGenerator[Arrived, None]:
        """Stamped lines from `first` on as they come, until the run has ended; from later on, if
        those before are kept no more.

        Whenever nothing has come for PULSE_SECONDS no lines do. Raises Unavailable.
        """
        ended = False
        while not ended:
            async with self._answer(f"{run}/follow", {"from": first}) as source:
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

    async def part(self, run: Run, first: int, count: int, expect: int) -> Part:
        """`count` lines from `first` on, counted from 0. Waits a little for `expect` in all."""
        query: dict[str, int | str | None] = {"from": first, "count": count, "expect": expect}
        async with self._answer(f"{run.id}/lines", query) as source:
            first, stored, end = (int(source.headers[f"Rondo-{name}"]) for name in _PART)
            return Part(await _whole(source), first, stored, end)

    async def search(self, run: Run, text: str, limit: int) -> list[bytes]:
        """`<number>:<stamped line>` of the first lines that contain `text`, in any case."""
        query: dict[str, int | str | None] = {"text": text, "limit": limit, "ignore_case": "true"}
        async with self._answer(f"{run.id}/search", query) as source:
            return await _whole(source)

    async def check(self) -> None:
        """For readiness: raises Unavailable when the logs service does not answer."""
        try:
            async with self._session.get("healthz", timeout=_TIMEOUT):
                pass
        except AWAY as error:
            raise Unavailable(f"the logs service: {error!r}") from error

    @asynccontextmanager
    async def _answer(
        self, what: str, query: Mapping[str, int | str | None]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        token = self._token.reveal()
        request = self._session.get(
            f"runs/{what}",
            params={name: str(value) for name, value in query.items() if value is not None},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
        )
        try:
            answer = await request
        except AWAY as error:
            raise Unavailable(f"the logs service: {error!r}") from error
        async with answer:
            if answer.status != 200:
                raise Unavailable(f"the logs service answered {answer.status}")
            yield answer


async def _arriving(source: aiohttp.StreamReader) -> AsyncIterator[list[str]]:
    rest = b""
    while True:
        try:
            async with asyncio.timeout(PULSE_SECONDS):
                data = await source.readany()
        except aiohttp.ServerTimeoutError:  # it is a TimeoutError too
            raise
        except TimeoutError:
            yield []
            continue
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        for at in range(0, len(whole), MAX_TOGETHER):
            yield [_text(line) for line in whole[at : at + MAX_TOGETHER]]


async def _whole(source: aiohttp.ClientResponse) -> list[bytes]:
    try:
        return (await source.read()).split(b"\n")[:-1]
    except AWAY as error:
        raise Unavailable(f"the logs service: {error!r}") from error


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
