"""Thousands of events while the subscriber and the service are killed: each once, and in order."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from libs.domain.events import OrchestrationUploaded
from libs.domain.ids import orchestration_stream
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from tests.api.service import Service
from tests.api.world import World
from tests.platform import PATIENCE
from tests.power import times
from tests.servers import free_port, wait_for_port

COUNT, BATCH, AHEAD = times(3_000, 10_000), 100, 500
UPLOADED = OrchestrationUploaded(
    file_name="a.zip", file_size=22, sha="0" * 64, blob="b", entrypoint="main.py"
)


class Program:
    """A process that may be killed and started again."""

    def __init__(self, *argv: str, environ: dict[str, str] | None = None) -> None:
        self._argv = (sys.executable, "-m", *argv)
        self._environ = {**os.environ, **(environ or {})}
        self._environ.pop("NOTIFY_SOCKET", None)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._argv, env=self._environ)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def program(*argv: str, environ: dict[str, str] | None = None) -> Iterator[Program]:
    started = Program(*argv, environ=environ)
    try:
        yield started
    finally:
        started.kill()


@pytest.fixture
def another(service: Service, tmp_path: Path) -> Iterator[tuple[Program, int]]:
    """A copy of the service as a process, and its port."""
    port = free_port()
    settings = {
        **service.settings,
        "RONDO_LISTEN": f"127.0.0.1:{port}",
        "RONDO_DATA": str(tmp_path / "data"),
        "RONDO_LOG_LEVEL": "CRITICAL",
    }
    with program("services.api", environ=settings) as copy:
        wait_for_port(port, copy.process)
        yield copy, port


async def publish(log: EventLog, workspace: int) -> AsyncIterator[list[int]]:
    """The places of COUNT events, some at a time."""
    context = Context(source="test", actor="test")
    for _ in range(COUNT // BATCH):
        streams = [orchestration_stream(workspace, uuid4()) for _ in range(BATCH)]
        last = await log.append_batch([(Proposed(one, 0, UPLOADED), context) for one in streams])
        yield list(range(last - BATCH + 1, last + 1))


async def kept_lines(file: Path, at_least: int) -> Sequence[bytes]:
    """What the subscriber has, once it is that much."""
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
            if len(lines) >= at_least:
                return lines
            await asyncio.sleep(0.005)


@pytest.mark.timeout(300)
async def test_each_event_once_though_both_ends_are_killed(
    world: World, another: tuple[Program, int], tmp_path: Path
) -> None:
    copy, port = another
    dice = Random(5)
    deaths = [(place, "subscriber") for place in dice.sample(range(200, COUNT - AHEAD), 10)]
    deaths += [(place, "service") for place in dice.sample(range(200, COUNT - 2 * AHEAD), 2)]
    deaths.sort()
    workspace = await world.workspace()
    token, kept = tmp_path / "token", tmp_path / "kept"
    token.write_text(world.token)
    url = f"http://127.0.0.1:{port}/v1/api/events?workspace={workspace}&aggregate=orchestration"
    published: list[int] = []
    with program("tests.events.subscriber", url, str(token), str(kept)) as subscriber:
        async for places in publish(world.log, workspace):
            published += places
            seen = len(await kept_lines(kept, len(published) - AHEAD))
            while deaths and deaths[0][0] < seen:
                _, who = deaths.pop(0)
                victim = copy if who == "service" else subscriber
                victim.kill()
                victim.start()
        lines = await kept_lines(kept, COUNT)
    assert not deaths
    assert [int(line.split()[0]) for line in lines] == published
    assert len({line.split()[1] for line in lines}) == COUNT
