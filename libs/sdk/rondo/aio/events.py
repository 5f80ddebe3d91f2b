"""The part of a client that is about events: what has happened, and what happens."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rondo import wire
from rondo.aio.calls import AsyncCalls
from rondo.errors import AuthError
from rondo.event import Event

if TYPE_CHECKING:
    from rondo.aio.workspace import AsyncWorkspace

_PATH = "/v1/api/events"
_PAGE = 1000


class AsyncEvents(AsyncCalls):
    async def events(
        self,
        workspace: AsyncWorkspace | int | None = None,
        types: Iterable[str] = (),
        aggregate: str | None = None,
        after: int | None = None,
        since: datetime | str | None = None,
        follow: bool = True,
    ) -> AsyncGenerator[Event, None]:
        """In their order, each once, for ever; without `follow`, as far as there are any.

        Of a workspace, or of all that you may see; of these `types`, such as `RunFinished`; of an
        `aggregate`, such as `task` or `task:<id>`. They begin `after` a sequence, or `since` an
        instant with its zone; with neither, from now on, or without `follow` with the first.
        A connection that is lost is made again, and no event is missed or doubled.
        """
        query = _query(workspace, types, aggregate, after, since)
        found = self._followed(query) if follow else self._read(query)
        async with aclosing(found) as events:
            async for event in events:
                yield event

    async def _read(self, query: dict[str, str]) -> AsyncGenerator[Event, None]:
        while True:
            page = await self.session.get(_path({**query, "limit": str(_PAGE)}))
            for told in page["events"]:
                yield Event(told, self.time_format)
            if page["next"] >= page["end"]:
                return
            query = {**query, "after": str(page["next"])}
            query.pop("since", None)

    async def _followed(self, query: dict[str, str]) -> AsyncGenerator[Event, None]:
        path, last = _path(query), ""
        while True:
            async with aclosing(self.session.follow(path, last)) as events:
                async for event in events:
                    last = event.id
                    if event.kind == "end":
                        _check(event.data)
                        break
                    yield Event(json.loads(event.data), self.time_format)


def _check(why: str) -> None:
    """Raises what a stream was ended for, unless it is a token that has run out."""
    error = wire.Answer(int(json.loads(why)["code"]), {}, why.encode()).error()
    if not isinstance(error, AuthError):
        raise error


def _query(
    workspace: AsyncWorkspace | int | None,
    types: Iterable[str],
    aggregate: str | None,
    after: int | None,
    since: datetime | str | None,
) -> dict[str, str]:
    if isinstance(types, str):
        raise TypeError("types: give a list of names, not one text")
    number = workspace if isinstance(workspace, int) or workspace is None else workspace.id()
    instant = since.isoformat() if isinstance(since, datetime) else since
    named = {
        "workspace": number,
        "types": ",".join(types) or None,
        "aggregate": aggregate,
        "after": after,
        "since": instant,
    }
    return {name: str(value) for name, value in named.items() if value is not None}


def _path(query: dict[str, str]) -> str:
    return f"{_PATH}?{urlencode(query)}"
