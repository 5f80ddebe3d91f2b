"""docs/events.md says what works: its blocks of code are run."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.domain.events import decode
from services.api.events import asyncapi, filter_parsing
from tests.api.world import World
from tests.events.client import pages
from tests.platform import PATIENCE

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def blocks(language: str) -> list[str]:
    return re.findall(f"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


async def test_the_calls_for_pages(world: World) -> None:
    workspace, task = await world.ready_task()
    await world.run(workspace, task, "success")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", blocks("sh")[0].replace("&limit=10", "&limit=1000")),
        env={**os.environ, "URL": world.service.url, "TOKEN": world.token},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    first, end = printed.index(b"}{") + 1, len(printed)
    of_runs = msgspec.json.decode(printed[:first])["events"]
    assert {event["type"] for event in of_runs} == {"RunFinished"}
    assert of_runs[-1]["workspaceid"] == workspace
    assert msgspec.json.decode(printed[first:end])["events"]


async def test_the_program_in_python(world: World) -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[0], PAGE.name, "exec"), names)  # noqa: S102 - our own page
    workspace = await world.workspace()
    url = f"{world.service.url}/v1/api/events?workspace={workspace}"
    events: Callable[..., Iterator[Any]] = names["events"]
    seen = asyncio.create_task(asyncio.to_thread(lambda: list(islice(events(url, world.token), 5))))
    for _ in range(4):
        await world.upload(workspace)
    assert await seen == await pages(world, workspace=workspace)
    with pytest.raises(OSError, match="401"):
        next(events(url, "wrong"))


def test_the_example_is_an_event() -> None:
    example = msgspec.json.decode(blocks("json")[0])
    assert list(example) == [*asyncapi.as_example("RunFinished")]
    assert decode(msgspec.json.encode(example["data"]))


def test_all_parameters_are_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert listed == list(filter_parsing.NAMES)
