"""The shell that waits for the next build: used by one, replaced, and gone with its service."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from libs.domain.errors import Unavailable
from services.packager.build import Builder
from tests.packager.test_build import BuildFolder
from tests.packager.test_build import build_folder as build_folder


def children() -> dict[int, str]:
    """Our processes and what they are."""
    pids = " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return {int(pid): Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids.split()}


class Standing:
    """A builder that stands by."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._others = children()

    def processes(self) -> dict[int, str]:
        return {pid: name for pid, name in children().items() if pid not in self._others}

    async def shell(self, besides: int = 0) -> int:
        """The one that waits, when there is another than this."""
        async with asyncio.timeout(30):
            while True:
                with suppress(FileNotFoundError):  # one that ends while it is looked at
                    processes = self.processes()
                    if list(processes.values()) == ["sh"] and besides not in processes:
                        return next(iter(processes))
                await asyncio.sleep(0.01)


@pytest.fixture
async def standing(build_folder: BuildFolder) -> AsyncIterator[Standing]:
    standing = Standing(build_folder.builder())
    standing_by = asyncio.create_task(standing.builder.stand_by())
    yield standing
    standing_by.cancel()
    await asyncio.wait([standing_by])
    assert standing.processes() == {}


async def test_builds_take_it_and_there_is_another(standing: Standing) -> None:
    first = await standing.shell()
    await standing.builder.build([])
    second = await standing.shell(first)
    # One takes it, the other makes its own.
    await asyncio.gather(standing.builder.build(["six"]), standing.builder.build(["idna"]))
    await standing.shell(second)


async def test_one_that_was_killed_costs_a_try(standing: Standing) -> None:
    first = await standing.shell()
    os.kill(first, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await standing.builder.build([])
    await standing.shell(first)
    await standing.builder.build([])
