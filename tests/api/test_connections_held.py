"""Connections that say half of something: closed in time, and nobody else waits for them."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from libs.service.connections import Connections, Share
from libs.service.timed_connection import BODY, BODY_PAUSE, HEADER, READER_PAUSE

HALVES = {
    "nothing": b"",
    "half a header": b"GET / HTTP/1.1\r\nHost: a",
    "half a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nx",
    "a half second header": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
}
LONGEST = int(max(HEADER, BODY_PAUSE)) + 2


class Server:
    """A server whose seconds pass as the test says."""

    def __init__(self, share: Share | None = None) -> None:
        self.all = Connections(share)
        self.port = 0
        self.reads = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    def pass_seconds(self, count: int) -> None:
        for _ in range(count):
            self.all.sweep()

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: hello\n\n")
        await asyncio.Event().wait()
        return response

    async def flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))
            self.reads.set()


@asynccontextmanager
async def serving(share: Share | None = None) -> AsyncIterator[Server]:
    server = Server(share)
    app = web.Application(middlewares=[server.all.middleware])
    app.router.add_route("*", "/", server.answer)
    app.router.add_get("/stream", server.stream)
    app.router.add_get("/flood", server.flood)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    accept = server.all.behind(runner.server)
    listening = await loop.create_server(accept, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        for writer in server.writers:
            writer.transport.abort()
        listening.close()
        await runner.cleanup()


async def heard(server: Server) -> None:
    """What was sent before has been read when this returns: the loop has come round."""
    url = f"http://127.0.0.1:{server.port}/"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200


async def begun(server: Server, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    server.writers.append(writer)
    writer.write(data)
    await heard(server)
    return reader, writer


async def closed(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(10):
            await reader.read()
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("half", HALVES)
async def test_half_of_something_is_closed(half: str) -> None:
    async with serving() as server:
        reader, writer = await begun(server, HALVES[half])
        if half == "a half second header":
            await reader.readuntil(b"\r\n\r\n0")
            writer.write(b"GET / HT")
            await heard(server)
        server.pass_seconds(LONGEST)
        assert await closed(reader)


async def test_a_header_that_drips_is_closed_too() -> None:
    async with serving() as server:
        reader, writer = await begun(server, b"GET /")
        for _ in range(int(HEADER) + 1):
            writer.write(b"a")
            await heard(server)
            server.pass_seconds(1)
        assert await closed(reader)


async def test_a_slow_body_is_taken_and_one_that_drips_for_ever_is_not() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n"
    async with serving() as server:
        reader, writer = await begun(server, head)
        for _ in range(8):
            writer.write(bytes(500))
            await heard(server)
            server.pass_seconds(int(BODY_PAUSE) // 3)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        reader, writer = await begun(server, head)
        for _ in range(20):
            writer.write(b"x")
            await heard(server)
            server.pass_seconds(int(BODY) // 10)
        assert await closed(reader)


async def test_what_waits_for_us_stays() -> None:
    """An idle connection, and a stream that has nothing to say."""
    async with serving() as server:
        idle, first = await begun(server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        stream, second = await begun(server, b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        await stream.readuntil(b"hello")
        await idle.readuntil(b"\r\n\r\n0")
        server.pass_seconds(1000)
        first.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await idle.readline()).startswith(b"HTTP/1.1 200")
        second.write(b"x")
        await second.drain()


async def test_an_answer_that_nobody_reads_is_broken_off() -> None:
    async with serving() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as caller:
            caller.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(
                caller, b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            while True:  # until the server can't write any more
                server.reads.clear()
                try:
                    async with asyncio.timeout(0.5):
                        await server.reads.wait()
                except TimeoutError:
                    break
            server.pass_seconds(1)
            server.pass_seconds(int(READER_PAUSE) // 2)
            assert len(server.all._open) == 1
            server.pass_seconds(int(READER_PAUSE))
            assert not server.all._open


async def test_an_address_has_its_share_and_the_quiet_make_place() -> None:
    async with serving(Share(everybody=20, address=8, streams=4)) as server:
        for _ in range(30):
            await begun(server, b"GET /")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            async with session.get("/") as answer:
                assert answer.status == 200
            accept = {"Accept": "text/event-stream"}
            streams = [await session.get("/stream", headers=accept) for _ in range(5)]
            assert [answer.status for answer in streams] == [200] * 4 + [429]
            assert streams[-1].headers["Retry-After"] == "1"
            async with session.get("/") as answer:
                assert answer.status == 200
            for answer in streams:
                answer.close()


async def test_who_is_busy_is_not_turned_out() -> None:
    async with serving(Share(everybody=20, address=3, streams=3)) as server:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            server.writers.append(writer)
            writer.write(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"hello")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        server.writers.append(writer)
        assert b"429 Too Many Requests" in await reader.read()
        assert len(server.all._open) == 3


def test_descriptors_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: None)
    assert Share.of_descriptors("") == Share(192, 128, 64)
