"""A subscriber as anybody would write one: server-sent events over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from tests.api.world import World
from tests.platform import PATIENCE

PATH = "/v1/api/events"


@dataclass(frozen=True)
class Block:
    """What stands between two blank lines; `data` is None in a heartbeat."""

    id: int | None
    event: str
    data: Any

    @property
    def sequence(self) -> int:
        assert self.id == self.data["sequence"]
        return int(self.data["sequence"])


class Stream:
    """`blocks` leaves out nothing, `events` what is no event."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> Block | None:
        """The next, or None at the end."""
        fields: dict[str, str] = {}
        while line := await self.response.content.readline():
            if line == b"\n":
                data = msgspec.json.decode(fields["data"]) if "data" in fields else None
                id = int(fields["id"]) if "id" in fields else None
                return Block(id, fields.get("event", ""), data)
            name, _, value = line.decode().rstrip("\n").partition(": ")
            fields[name] = value
        return None

    async def joined(self) -> int:
        """The place from which on all that comes will be told."""
        while (block := await self.block()) is not None:
            if block.id is not None and block.data is None:
                return block.id
        raise AssertionError("the stream ended")

    async def events(self, count: int) -> list[Block]:
        """The next so many."""
        found: list[Block] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                block = await self.block()
                assert block is not None, "the stream ended"
                assert block.event != "end", block.data
                if block.data is not None:
                    found.append(block)
        return found

    async def end(self) -> tuple[list[Block], dict[str, Any]]:
        """What came before the end, and why it came."""
        found: list[Block] = []
        async with asyncio.timeout(PATIENCE):
            while (block := await self.block()) is not None:
                if block.event == "end":
                    assert await self.block() is None
                    return found, block.data
                if block.data is not None:
                    found.append(block)
        raise AssertionError("it broke off without a reason")


@asynccontextmanager
async def subscribed(
    world: World,
    last_id: int | None = None,
    token: str | None = None,
    buffer: int = 1 << 22,
    **query: str | int,
) -> AsyncIterator[Stream]:
    """`buffer` is about how many bytes are taken before anybody reads them."""
    headers = {
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {token or world.token}",
    }
    if last_id is not None:
        headers["Last-Event-ID"] = str(last_id)
    async with (
        aiohttp.ClientSession(read_bufsize=buffer) as session,
        session.get(world.service.url + PATH, headers=headers, params=query) as response,
    ):
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Stream(response)


async def page(world: World, status: int = 200, **query: Any) -> Any:
    answer = await world.service.call("GET", PATH, world.token, params=query)
    assert answer.status == status, answer.body
    return answer.body


async def pages(world: World, **query: Any) -> list[Any]:
    """All there are, page by page."""
    answer = await page(world, **query)
    found = list(answer["events"])
    query.pop("since", None)
    while answer["next"] < answer["end"]:
        query["after"] = answer["next"]
        answer = await page(world, **query)
        assert answer["next"] > query["after"]
        found += answer["events"]
    return found
