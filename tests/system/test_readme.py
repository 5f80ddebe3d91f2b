"""The first orchestration and model work as the README and docs/api.md have it, pasted."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import PATIENCE, Platform, running

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A new one: what is pasted speaks of the first orchestration that there is."""
    with running(Platform(tmp_path_factory.mktemp("platform"))) as platform:
        yield platform


def block(file: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (PROJECT / file).read_text(), re.DOTALL)
    assert found
    return found[1]


async def pasted(folder: Path, *command: str) -> list[str]:
    """The lines that it prints, run where `make run` has left its ready file, as a new user."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": path, "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        shown, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return shown.decode().splitlines()


async def test_the_command_and_then_the_sdk(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / ".rondo.ready").write_text(json.dumps(platform.access))
    lines = await pasted(tmp_path, "bash", "-euo", "pipefail", "-c", block("README.md", "bash"))
    assert "Hello from Rondo" in lines
    assert any("*/5 * * * *" in line for line in lines)
    [line] = await pasted(tmp_path, sys.executable, "-c", block("README.md", "python"))
    assert line.endswith("stdout F Hello from Rondo")


async def test_the_first_model(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / ".rondo.ready").write_text(json.dumps(platform.access))
    shutil.copytree(PROJECT / "examples" / "houseprice", tmp_path / "examples" / "houseprice")
    _, _, section = (PROJECT / "README.md").read_text().partition("## A first model")
    script = "rondo login --ready-file .rondo.ready\n" + section.split("```")[1].removeprefix("sh")
    *_, inferred, logged, undeployed = await pasted(tmp_path, "bash", "-euc", script)
    assert json.loads(inferred) == json.loads(logged)
    assert "out.price" in json.loads(inferred)
    assert "not deployed" in undeployed


async def test_curl_alone(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / ".rondo.ready").write_text(json.dumps(platform.access))
    script = block("docs/api.md", "bash")
    logs, killed = await pasted(tmp_path, "bash", "-euo", "pipefail", "-c", script)
    [line] = json.loads(logs)["logs"]
    assert line.endswith("stdout F Hello from Rondo")
    assert killed == "pending_kill"
