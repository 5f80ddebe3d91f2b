"""The published wallaroo SDK in an environment of its own, unmodified, against the whole platform.

A test runs a script of scripts/ there. `make test-sdk` makes that environment first; it is large,
so these tests are no part of `make test`.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.platform import Platform, running

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-sdk" / "bin" / "python"
ENDS_WITHIN = 240.0

Script = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """With the packages that every task finds."""
    folder = tmp_path_factory.mktemp("platform")
    with running(Platform(folder, packages=True)) as platform:
        yield platform


@pytest.fixture
def script(platform: Platform, tmp_path: Path) -> Script:
    """Runs scripts/<name>.py, logged in as the administrator, and gives what it printed."""

    async def run(name: str, *arguments: str, **environment: str) -> str:
        own = tmp_path / uuid4().hex
        own.mkdir()
        access = platform.access
        credentials = own / "credentials.json"
        given = {"username": access["user"], "password": access["password"]}
        credentials.write_text(json.dumps(given))
        process = await asyncio.create_subprocess_exec(
            PYTHON,
            "-W",
            "ignore",
            "-m",
            f"tests.sdk_acceptance.scripts.{name}",
            *arguments,
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(own),
                "XDG_CACHE_HOME": str(own / "cache"),
                "MPLCONFIGDIR": str(own),
                "PYTHONDONTWRITEBYTECODE": "1",
                "WALLAROO_URL": access["url"],
                "WALLAROO_SDK_AUTH_TYPE": "user_password",
                "WALLAROO_SDK_CREDENTIALS": str(credentials),
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode()
        assert process.returncode == 0, f"{text}\n{platform.shown()}"
        return text

    return run
