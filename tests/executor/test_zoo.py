"""A user can't tell a fork of a warm interpreter from a new one, but by the time it takes."""

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from services.executor.backend import Mode
from tests.executor.harness import Harness, Kind
from tests.executor.zoo import BESIDE, SCRIPTS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(
    params=[Kind("fork", True), Kind("fork", False)], ids=str, scope="module", loop_scope="module"
)
async def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Harness]:
    folder = tmp_path_factory.mktemp("zoo")
    runs: Harness = await request.param.open(folder)
    yield runs
    await runs.backend.close()


# What an interpreter can't compile it tells best itself.
NEW = {"syntax_error", "indentation", "bad_encoding"}
TASK = uuid4()
PATHS = re.compile(r"/(runs/[-0-9a-f]{36}|templates/[0-9a-f]{8}/temporary/[0-9a-f]{16})/")


async def seen(
    runs: Harness,
    script: str,
    mode: Mode,
    new: bool | None,
    beside: dict[str, bytes] = BESIDE,
    python: Path = Path(sys.executable),
) -> str:
    """All that can be told of a run from outside, but for the time it took and where it lay."""
    spec = runs.spec(script, beside, mode=mode, task_id=TASK, python=python)
    run = await runs.start_anyhow(spec, new)
    outcome = await run.outcome()
    told = [outcome.status, outcome.reason, outcome.exit_code, outcome.signal]
    text = f"{json.dumps(told)}\n-- stdout\n{await run.out.all()}\n-- stderr\n{await run.err.all()}"
    text = re.sub(r"0x[0-9a-f]+", "0x", PATHS.sub("/runs/", text))
    text = re.sub(r"psm_[0-9a-f]+", "psm_", text)  # in the error, where there is no such memory
    return re.sub(r"repeated \d+ more", "repeated many more", text)  # there is one frame of ours


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_fork_is_like_a_new_interpreter(runs: Harness, name: str) -> None:
    script = SCRIPTS[name]
    expected = await seen(runs, script, "exec", new=True)
    assert await seen(runs, script, "fork", new=name in NEW) == expected
