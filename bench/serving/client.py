"""Callers that cost as little as they can: raw sockets, requests of bytes that are made before."""

import asyncio
import time
from dataclasses import dataclass, field

from bench.footprint import cpu_seconds
from bench.serving.server import Server

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_TIMEOUT_SECONDS = 120.0  # of a pass that hangs


@dataclass
class Pass:
    """What callers saw: seconds of each request, the whole time, CPU of all that serves."""

    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def add(self, other: "Pass") -> None:
        self.waits += other.waits
        self.seconds += other.seconds
        self.cpu += other.cpu


class _Caller(asyncio.Protocol):
    """Asks again as soon as it is answered, until `end`."""

    def __init__(self, request: bytes, end: float, waits: list[float]) -> None:
        self.over: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._request = request
        self._end = end
        self._waits = waits
        self._got = b""
        self._wanted = 0
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._got = self._got + data if self._got else data
        if not self._wanted:
            head = self._got.find(_HEAD_END)
            if head < 0:
                return
            self._wanted = head + len(_HEAD_END) + _length(self._got[:head])
        if len(self._got) < self._wanted:
            return
        now = time.perf_counter()
        self._waits.append(now - self._since)
        if now < self._end and self._got.startswith(b"HTTP/1.1 200"):
            self._ask()
            return
        self.over.set_result(self._got)
        self._transport.close()

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(problem or ConnectionResetError("the server has hung up"))

    def _ask(self) -> None:
        self._got, self._wanted = b"", 0
        self._since = time.perf_counter()
        self._transport.write(self._request)


async def drive(server: Server, request: bytes, callers: int, seconds: float) -> Pass:
    """So many callers at once for so long. Their last answers are looked at."""
    loop, outcome = asyncio.get_running_loop(), Pass()
    before, began = cpu_seconds(server.pid), time.perf_counter()
    each = [_Caller(request, began + seconds, outcome.waits) for _ in range(callers)]
    for one in each:
        await loop.create_connection(lambda one=one: one, "127.0.0.1", server.port)  # type: ignore[misc]
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        answers = await asyncio.gather(*(one.over for one in each))
    outcome.seconds = time.perf_counter() - began
    outcome.cpu = cpu_seconds(server.pid) - before
    for answer in answers:
        server.check(request, answer)
    return outcome


async def ask(port: int, request: bytes) -> bytes:
    """One request and its answer, on a connection of its own."""
    one = _Caller(request, 0.0, [])
    await asyncio.get_running_loop().create_connection(lambda: one, "127.0.0.1", port)
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        return await one.over


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    raise AssertionError(f"an answer without its length: {head!r}")
