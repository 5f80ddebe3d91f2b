"""What stands where the api does: it accepts connections and hands over those of inferences."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from libs.domain.errors import Unavailable
from libs.service.config import Secret
from libs.service.handover import giver
from libs.service.http import calling, serving
from services.api.gateway import Gateway
from tests.inference.service import INTERNAL, PATIENCE, Deployed, Service
from tests.servers import free_port

PREFIX = b"POST /v1/api/pipelines/infer/"
BODY = b'[{"tensor": [1.0, 2.0, 3.0]}]'


class Front:
    """Its `seen` requests are those that it has answered itself. With `forwards` it passes on
    inferences that come to itself, as the api does."""

    def __init__(self, port: int, gateway: Gateway) -> None:
        self.port = port
        self.seen: list[str] = []
        self.forwards = False
        self.returned = asyncio.Event()  # a connection has come back
        self.gateway = gateway

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request.path)
        if self.forwards and request.raw_path.startswith(PREFIX.decode()[len("POST ") :]):
            return await self._forward(request)
        return web.Response(text="from the front", headers={"Peer": str(request.remote)})

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {
            name: request.headers.get(name, "") for name in ("Authorization", "Content-Type")
        }
        try:
            async with await self.gateway.infer(
                request.raw_path, headers, request.content
            ) as answer:
                return web.Response(status=answer.status, body=await answer.read())
        except Unavailable as problem:
            return web.Response(status=503, text=str(problem))


@contextlib.asynccontextmanager
async def opened(service: Service) -> AsyncIterator[Front]:
    """Starts the service behind it."""
    service.environment["RONDO_LISTEN"] = where = f"unix:{service.folder}/inference"
    await service.begin()
    await exists(Path(f"{service.folder}/inference.handover"))
    async with calling(where) as session, calling(where, stays=False) as inferring:
        service.session = session
        one = Front(free_port(), Gateway(session, inferring, Secret(INTERNAL), PATIENCE))
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", one.answer)
        gateway = giver(PREFIX, where)
        assert gateway is not None
        async with serving(app, f"127.0.0.1:{one.port}", elsewhere=gateway):
            take_back = gateway.returned

            def returned(connection: socket.socket, data: bytes) -> None:
                one.returned.set()
                take_back(connection, data)

            gateway.returned = returned
            yield one


def request(deployed: Deployed, bearer: str = "good") -> bytes:
    return (
        f"POST /v1/api/pipelines/infer/{deployed.name}-1/{deployed.name} HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: Bearer {bearer}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode()


def slowly(deployed: Deployed, rounds: float) -> bytes:
    """A request of the model `slow`."""
    body = b'[{"input": [%f]}]' % rounds
    return request(deployed).replace(b"Length: 29", b"Length: %d" % len(body)) + body


@contextlib.asynccontextmanager
async def caller(
    front: Front,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deployed: Deployed
) -> tuple[int, bytes, bytes]:
    writer.write(request(deployed) + BODY)
    return await answer(reader)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Status, head and body."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [
            line.partition(b":")[2]
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ]
        return int(head.split()[1]), head, await reader.readexactly(int(lengths[0]))


async def exists(path: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if path.exists():
                return
            await asyncio.sleep(0.02)


class Load:
    """Callers that go on and on, each on one connection: how many answers of each status."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.refusals: set[bytes] = set()
        self.over = False
        self._more = asyncio.Event()

    async def call(self, front: Front, deployed: Deployed) -> None:
        async with caller(front) as (reader, writer):
            while not self.over:
                status, _, body = await ask(reader, writer, deployed)
                assert status != 200 or b"14.1" in body
                self.statuses[status] += 1
                if status != 200:
                    self.refusals.add(body)
                self._more.set()

    async def more(self, count: int) -> None:
        """Waits for so many more answers."""
        wanted = self.statuses.total() + count
        async with asyncio.timeout(PATIENCE):
            while self.statuses.total() < wanted:
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def load(front: Front, deployed: Deployed, callers: int = 8) -> AsyncIterator[Load]:
    """While the block lasts. A connection that breaks off fails it."""
    one = Load()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(one.call(front, deployed))
        await one.more(callers)
        yield one
        one.over = True
