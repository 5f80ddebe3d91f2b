"""What was answered is in the log, and once, whatever is killed meanwhile."""

import asyncio
import itertools
import json
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import msgspec
import pytest

from libs.domain.values import Scaling
from services.inference.logs.config import RECORDS
from services.inference.logs.frames import SUFFIX, frames
from services.inference.record import RecordBody, RecordHead
from tests.inference.service import Deployed, Service


class Callers:
    """They send numbers, each once, and remember which were answered."""

    def __init__(self, deployed: Deployed) -> None:
        self.answered: set[float] = set()
        self.refused: Counter[int] = Counter()
        self._deployed = deployed
        self._numbers = itertools.count(1)
        self._over = asyncio.Event()

    async def call(self) -> None:
        while not self._over.is_set():
            number = float(next(self._numbers))
            with suppress(aiohttp.ClientError):
                status, _ = await self._deployed.infer([{"tensor": [number, 0.0, 0.0]}])
                if status == 200:
                    self.answered.add(number)
                else:
                    self.refused[status] += 1
            await asyncio.sleep(0)

    async def more(self, count: int) -> None:
        """Waits for so many more answers."""
        wanted = len(self.answered) + count
        async with asyncio.timeout(60):
            while True:
                if len(self.answered) >= wanted:
                    return
                await asyncio.sleep(0.01)

    def end(self) -> None:
        self._over.set()


def recorded(service: Service) -> list[tuple[RecordHead, float]]:
    """All records, with the number that was sent."""
    found = []
    for path in sorted((service.folder / "data" / RECORDS).glob(f"*{SUFFIX}")):
        for frame in frames(memoryview(path.read_bytes())):
            head = msgspec.msgpack.decode(frame.head, type=RecordHead)
            body = msgspec.msgpack.decode(frame.body, type=RecordBody)
            found.append((head, json.loads(body.inputs)[0]["tensor"][0]))
    return found


@pytest.mark.parametrize("whole", [False, True], ids=["replicas", "replicas and the service"])
async def test_what_was_answered_is_recorded_once(
    service: Service, linear: Path, whole: bool
) -> None:
    deployed = await service.deploy("houses", linear, Scaling(least=2, most=2))
    await deployed.running(2)
    callers = Callers(deployed)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(callers.call())
        for turn in (2, 4):
            await callers.more(100)
            for pid in await deployed.pids():
                os.kill(pid, signal.SIGKILL)
            await deployed.started(2 + turn)
        if whole:
            await asyncio.to_thread(service.stop, signal.SIGKILL)
            await service.start()
            await deployed.running(2)
        await callers.more(100)
        callers.end()

    found = recorded(service)
    numbers = Counter(number for _, number in found)
    assert callers.answered <= set(numbers)
    assert not [number for number, times in numbers.items() if times > 1]
    assert not callers.refused or whole
    assert len({head.id for head, _ in found}) == len(found)


async def test_a_record_says_who_asked_and_what_answered(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    state = await deployed.running()

    await deployed.infer([{"tensor": [7.0, 0.0, 0.0]}])

    ((head, number),) = recorded(service)
    assert number == 7.0
    assert head.pipeline == deployed.pipeline
    assert head.version == deployed.version
    assert head.partition == str(state.replicas[0].id)
    assert head.caller == "7d9cbd4f-0a0e-4b3f-9d3f-3d0a9c8a5d11"


async def test_a_refused_request_leaves_no_record(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()

    status, answer = await deployed.infer([{"tensor": ["text"]}])

    assert (status, answer["source"]) == (400, "engine")
    assert recorded(service) == []
