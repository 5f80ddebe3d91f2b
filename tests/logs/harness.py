"""The logs service as it is deployed, in this process; and what its neighbours do to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import msgspec

from libs.domain.events import RunFinished, RunRequested, TaskEvent
from libs.domain.ids import run_stream, task_stream
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats, checked
from libs.runlog import chunks, message
from libs.runlog.chunks import Chunk, Cutter
from libs.waiting.retry import retry
from services.logs.__main__ import main
from tests.servers import TOKEN, free_port

AT = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z
INTERNAL = "internal-token"
WORKSPACE = 7
TIMEOUT_SECONDS = 60.0  # for what is due, on a busy machine

_HERE = Context(source="test", actor="test")


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def lines(self) -> list[bytes]:
        return self.text.split(b"\n")[:-1]


class Logs:
    """A client of one copy of the service."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def get(self, path: str, **query: str | int) -> Answer:
        async with self.session.get(f"{self.url}/runs/{path}", params=query) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def lines(self, run: UUID, **query: str | int) -> list[bytes]:
        answer = await self.get(f"{run}/lines", **query)
        assert answer.status == 200, answer.text
        return answer.lines

    @asynccontextmanager
    async def follow(self, run: UUID, first: int = 0) -> AsyncIterator[aiohttp.StreamReader]:
        url = f"{self.url}/runs/{run}/follow"
        async with self.session.get(url, params={"from": first}) as response:
            assert response.status == 200
            yield response.content


def environ(folder: Path, nats_url: str, dsn: str) -> dict[str, str]:
    """The configuration of a copy of the service, on a port of its own."""
    for name, text in {"nats": TOKEN, "internal": INTERNAL}.items():
        (folder / name).write_text(text)
    return {
        "RONDO_NATS_URL": nats_url,
        "RONDO_NATS_TOKEN_FILE": str(folder / "nats"),
        "RONDO_INTERNAL_TOKEN_FILE": str(folder / "internal"),
        "RONDO_POSTGRES_DSN": dsn,
        "RONDO_LISTEN": f"127.0.0.1:{free_port()}",
        "RONDO_RETENTION_DAYS": "36500",
    }


@asynccontextmanager
async def client(settings: dict[str, str]) -> AsyncIterator[Logs]:
    """A client of a copy that has been started, once it serves."""
    url = f"http://{settings['RONDO_LISTEN']}"
    headers = {"Authorization": f"Bearer {INTERNAL}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def serves() -> bool:
            try:
                async with session.get(f"{url}/readyz") as response:
                    return response.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await until(serves)
        yield Logs(session, url)


@asynccontextmanager
async def running(settings: dict[str, str]) -> AsyncIterator[Logs]:
    """A copy of the service for as long as the block lasts."""
    service = asyncio.create_task(main(settings))
    try:
        async with client(settings) as logs:
            yield logs
    except Exception as error:
        if service.done():
            error.add_note(f"the service had ended: {service}")
        raise
    finally:
        service.cancel()
        await asyncio.wait([service])
    assert service.cancelled(), service.exception()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it is so; TimeoutError if it is not within TIMEOUT_SECONDS."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not await holds():  # noqa: ASYNC110 - facts of other processes
            await asyncio.sleep(0.01)


class _Ack(msgspec.Struct):
    seq: int


async def send(nats: Nats, subject: str, body: bytes, headers: dict[str, str]) -> int:
    answer = await nats.request(subject, body, headers)
    return msgspec.json.decode(checked(answer.data), type=_Ack).seq


class Printer:
    """Does for one run what the executor and the scheduler do."""

    def __init__(self, nats: Nats, task: UUID | None = None) -> None:
        self.run, self.task = uuid4(), task or uuid4()
        self._nats = nats
        self._log = EventLog(nats)
        self._cutter = Cutter()

    def cut(self, *texts: bytes, at: int = AT) -> list[Chunk]:
        """The next lines as chunks: one, unless they are long."""
        for text in texts:
            self._cutter.feed("stdout", text + b"\n", at)
        return self._cutter.take_all()

    async def publish(self, chunk: Chunk) -> int:
        """Acknowledged when it returns, whatever happens to the server; gives the sequence."""
        headers, body = message.pack(chunk, self.task)
        subject = message.subject(WORKSPACE, self.run)
        return await retry(lambda: send(self._nats, subject, body, headers))

    async def print(self, *texts: bytes) -> list[bytes]:
        """Publishes the texts; gives the stamped lines."""
        pieces = self.cut(*texts)
        for chunk in pieces:
            await self.publish(chunk)
        return [line for chunk in pieces for line in chunks.lines(chunk.data)]

    async def request(self) -> int:
        event = RunRequested(task=self.task, scheduled_at=datetime.now(UTC))
        stream = run_stream(WORKSPACE, self.run)
        return await self._log.append(Proposed(stream, 0, event), _HERE)

    async def finish(self, requested: int, lines: int | None) -> int:
        event = RunFinished(status="success", reason="exit", exit_code=0, lines=lines)
        stream = run_stream(WORKSPACE, self.run)
        return await self._log.append(Proposed(stream, requested, event), _HERE)

    async def task_event(self, event: TaskEvent) -> int:
        stream = task_stream(WORKSPACE, self.task)
        return await self._log.append(Proposed(stream, 0, event), _HERE)
