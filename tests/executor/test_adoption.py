"""A run outlives its executor where the backend keeps it: the next executor goes on with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import pytest

from libs.domain.events import (
    Event,
    OrchestrationReady,
    OrchestrationUploaded,
    RunFinished,
    RunRequested,
    TaskCreated,
    TaskKillRequested,
)
from libs.domain.ids import StreamId, orchestration_stream, run_stream, task_stream
from libs.eventlog.envelope import Context
from libs.eventlog.follow import follow
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.nats_client import Nats
from libs.eventlog.react import Reaction, react
from libs.eventlog.streams import LOGS
from libs.runlog import chunks, message
from libs.runtoken.token import RunTokens
from libs.service.disk_reserve import DiskReserve
from services.executor.backend import Backend, Capability, Piece, RunSpec
from services.executor.local_files import LocalFiles
from services.executor.owner_lookup import Owners
from services.executor.run_manager import RunManager
from services.executor.run_spec import Settings
from services.executor.subprocess_backend import PlainRun, SubprocessBackend
from tests.executor.harness import PATIENCE, Harness, files
from tests.executor.test_run_credentials import KEY

HERE = Context(source="test", actor=str(uuid4()))
SCRIPT = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("one")
while not os.path.exists({go!r}):
    time.sleep(0.01)
print("two")
"""


class Kept:
    """A run that goes on when its reader stops. Implements Prepared and Running."""

    def __init__(self, run: PlainRun) -> None:
        self._run = run
        self.discard, self.wait, self.stop = run.discard, run.wait, run.stop

    @property
    def output(self) -> "Kept":
        return self

    async def start(self) -> "Kept":
        await self._run.start()
        return self

    def __aiter__(self) -> AsyncIterator[Piece]:
        return aiter(self._run.output)

    async def aclose(self) -> None:
        """Another reader may come."""


class Keeping(SubprocessBackend):
    """Keeps its runs while no executor is there, as one does whose runs live elsewhere."""

    capabilities: frozenset[Capability] = frozenset({"adoption"})

    def __init__(self, folder: Path, files: LocalFiles) -> None:
        super().__init__(folder, files)
        self._kept: dict[UUID, Kept] = {}

    async def prepare(self, spec: RunSpec) -> Kept:  # type: ignore[override]
        kept = self._kept[spec.run_id] = Kept(await super().prepare(spec))
        return kept

    async def adopt(self, run_id: UUID) -> Kept | None:  # type: ignore[override]
        return self._kept.get(run_id)


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[Harness]:
    runs = Harness(Keeping(tmp_path / "runs", files(tmp_path)), tmp_path)
    yield runs
    await runs.backend.close()


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an executor has left comes to the next one after a second, not ten."""
    monkeypatch.setattr("libs.eventlog.react.ACK_WAIT_SECONDS", 1.0)


@asynccontextmanager
async def executor(nats: Nats, log: EventLog, backend: Backend) -> AsyncIterator[None]:
    """Each has the same name, as one that is started again."""
    settings = Settings("executor", slots=2, variables={}, mode="exec")
    async with aiohttp.ClientSession() as calls:
        owners = Owners(calls, RunTokens(KEY, "http://localhost"), "http://127.0.0.1:9")
        manager = RunManager(settings, backend, log, nats, owners, DiskReserve(None, 0))
        reaction = Reaction(
            name="executor",
            subjects=("event.*.run.*",),
            kinds=(RunRequested,),
            handle=manager.handle,
        )
        works = [
            asyncio.create_task(work)
            for work in (
                manager.orders.follow(await log.end()),
                manager.lease.hold(),
                react(nats, reaction),
            )
        ]
        yield
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def append(log: EventLog, stream: StreamId, expected: int, event: Event) -> int:
    return await log.append(Proposed(stream, expected, event), HERE)


async def requested(log: EventLog, spec: RunSpec) -> tuple[StreamId, int]:
    """The task, and where its TaskCreated is, of a run of that spec that is asked for."""
    orchestration, task = orchestration_stream(1, uuid4()), task_stream(1, spec.task_id)
    uploaded = OrchestrationUploaded(
        name="sample",
        file_name="sample.zip",
        file_size=1,
        sha="",
        blob=spec.code,
        entrypoint=spec.entrypoint,
    )
    seq = await append(log, orchestration, 0, uploaded)
    ready = OrchestrationReady(environment=spec.environment, lock_digest="")
    await append(log, orchestration, seq, ready)
    created = TaskCreated(kind="once", orchestration=orchestration.uuid)
    seq = await append(log, task, 0, created)
    wanted = RunRequested(task=task.uuid, scheduled_at=datetime.now(UTC))
    await append(log, run_stream(1, spec.run_id), 0, wanted)
    return task, seq


async def finished(log: EventLog, spec: RunSpec) -> RunFinished:
    async with asyncio.timeout(PATIENCE):
        async for batch in log.follow(0, (run_stream(1, spec.run_id).subject,)):
            for fact in batch:
                if isinstance(fact.event, RunFinished):
                    return fact.event
    raise AssertionError("following never ends")


async def printed(nats: Nats, spec: RunSpec, count: int) -> list[str]:
    """The texts of so many lines, from the first one on."""
    lines: list[str] = []
    async with asyncio.timeout(PATIENCE):
        async for batch in follow(nats, LOGS, 0, (message.subject(1, spec.run_id),)):
            for each in batch:
                chunk, _ = message.unpack(each.message.headers, each.message.data)
                assert chunk.first_line == len(lines)
                lines += [line.decode().split(" ", 3)[3] for line in chunks.lines(chunk.data)]
            if len(lines) >= count:
                break
    return lines


async def test_a_run_goes_on_without_its_executor_and_the_next_one_ends_it(
    nats: Nats, log: EventLog, runs: Harness, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    spec = runs.spec(SCRIPT.format(go=str(go)))
    async with executor(nats, log, runs.backend):
        await requested(log, spec)
        assert await printed(nats, spec, 1) == ["one"]
    go.touch()
    async with executor(nats, log, runs.backend):
        end = await finished(log, spec)
    assert (end.status, end.reason, end.lines) == ("success", "exited", 2)
    assert await printed(nats, spec, 2) == ["one", "two"]


async def test_i7_a_kill_that_came_while_nobody_was_there_ends_an_adopted_run(
    nats: Nats, log: EventLog, runs: Harness, tmp_path: Path
) -> None:
    spec = runs.spec(SCRIPT.format(go=str(tmp_path / "never")))
    async with executor(nats, log, runs.backend):
        task, seq = await requested(log, spec)
        assert await printed(nats, spec, 1) == ["one"]
    await append(log, task, seq, TaskKillRequested())
    async with executor(nats, log, runs.backend):
        end = await finished(log, spec)
    assert (end.status, end.exit_code) == ("killed", 7)


async def test_i2_a_claimed_run_that_its_backend_does_not_know_is_not_started_again(
    nats: Nats, log: EventLog, runs: Harness, tmp_path: Path
) -> None:
    spec = runs.spec(SCRIPT.format(go=str(tmp_path / "never")))
    async with executor(nats, log, runs.backend):
        await requested(log, spec)
        assert await printed(nats, spec, 1) == ["one"]
    (tmp_path / "other").mkdir()
    other = Keeping(tmp_path / "other" / "runs", files(tmp_path))
    async with executor(nats, log, other):
        end = await finished(log, spec)
    assert (end.status, end.reason) == ("failure", "start_failed")
    assert await printed(nats, spec, 1) == ["one"]
    await other.close()
