"""The part of a client that reads events: what has happened, and what happens."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rondo.aio.calls import AsyncCalls
from rondo.errors import AuthError
from rondo.event import Event
from rondo.http_messages import Answer

if TYPE_CHECKING:
    from rondo.aio.workspace import AsyncWorkspace

_PATH = "/v1/api/events"
_PAGE_SIZE = 1000


class AsyncEvents(AsyncCalls):
    """The event log, for readers."""

    async def events(
        self,
        workspace: AsyncWorkspace | int | None = None,
        types: Iterable[str] = (),
        aggregate: str | None = None,
        after: int | None = None,
        since: datetime | str | None = None,
        follow: bool = True,
    ) -> AsyncGenerator[Event, None]:
        """Events in the order of the log, each once.

        With `follow` it waits for new events and never ends; without, it ends with the newest one.

        Which events:
        - `workspace`: those of a workspace, or of all that you may see.
        - `types`: those of these types, such as `["RunFinished"]`.
        - `aggregate`: those about one kind, such as `task`, or about one thing: `task:<id>`.

        From where:
        - `after`: after the event with this sequence.
        - `since`: from this instant on: a datetime with a zone, or an RFC 3339 text.
        - neither: from now on with `follow`, else from the first event.

        A lost connection is made again, and no event is missed or doubled. Raises TypeError when
        `types` is one text, and the error of the platform when it refuses the filter.
        """
        query = _query(workspace, types, aggregate, after, since)
        source = self._follow(query) if follow else self._read(query)
        async with aclosing(source) as events:
            async for event in events:
                yield event

    async def _read(self, query: dict[str, str]) -> AsyncGenerator[Event, None]:
        while True:
            page = await self.session.get(_path({**query, "limit": str(_PAGE_SIZE)}))
            for data in page["events"]:
                yield Event(data, self.time_format)
            if page["next"] >= page["end"]:
                return
            query = {**query, "after": str(page["next"])}
            query.pop("since", None)

    async def _follow(self, query: dict[str, str]) -> AsyncGenerator[Event, None]:
        path, last = _path(query), ""
        while True:
            async with aclosing(self.session.follow(path, last)) as events:
                async for event in events:
                    last = event.id
                    if event.kind == "end":
                        _raise_end(event.data)
                        break
                    yield Event(json.loads(event.data), self.time_format)


def _raise_end(data: str) -> None:
    """Raise the error that ended a stream, unless a token has run out: that one is renewed."""
    error = Answer(int(json.loads(data)["code"]), {}, data.encode()).error()
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
    fields = {
        "workspace": number,
        "types": ",".join(types) or None,
        "aggregate": aggregate,
        "after": after,
        "since": since.isoformat() if isinstance(since, datetime) else since,
    }
    return {name: str(value) for name, value in fields.items() if value is not None}


def _path(query: dict[str, str]) -> str:
    return f"{_PATH}?{urlencode(query)}"
