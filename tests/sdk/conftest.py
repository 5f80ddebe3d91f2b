"""One platform for all tests of the SDK, logins to it, and archives to run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rondo import AsyncClient, Client, Orchestration, Password

from tests.platform import PATIENCE, Platform, archive, running
from tests.sdk import SDK

SAYS = """\
import json, sys
from pathlib import Path
print("given", json.loads((Path.home() / "arguments.json").read_text()))
print("a line on the other stream", file=sys.stderr)
print("the last line <&>")
"""
FAILS = 'raise SystemExit("on purpose")'
WAITS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"

Done = subprocess.CompletedProcess[str]
Rondo = Callable[..., Done]
Following = Callable[..., AbstractContextManager[Iterator[str]]]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """With a workspace, so that there is something to list whichever tests come first."""
    with running(Platform(tmp_path_factory.mktemp("platform"))) as started:
        login = Password(started.access["user"], started.access["password"])
        Client(started.access["url"], login=login).create_workspace("there-from-the-start")
        yield started


@pytest.fixture
def login(platform: Platform) -> Password:
    return Password(platform.access["user"], platform.access["password"])


@pytest.fixture
def environment(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What points a client without arguments to the platform, and away from our own logins."""
    found = {
        "RONDO_URL": platform.access["url"],
        "RONDO_USER": platform.access["user"],
        "RONDO_PASSWORD": platform.access["password"],
        "XDG_CACHE_HOME": str(tmp_path / "caches"),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def client(platform: Platform, login: Password) -> Client:
    """In a workspace of the test's own."""
    made = Client(platform.access["url"], login=login)
    made.set_current_workspace(made.create_workspace(f"sdk-{uuid4().hex}"))
    return made


@pytest.fixture
async def async_client(platform: Platform, login: Password) -> AsyncClient:
    """In a workspace of the test's own."""
    made = AsyncClient(platform.access["url"], login=login)
    made.set_current_workspace(await made.create_workspace(f"sdk-{uuid4().hex}"))
    return made


@pytest.fixture
def ready(client: Client) -> Callable[[str], Orchestration]:
    """Uploads this main.py and waits until it is packaged."""

    def uploaded(main: str) -> Orchestration:
        data = archive({"main.py": main})
        return client.upload_orchestration(data, file_name="said.zip", name="said").wait(PATIENCE)

    return uploaded


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / "said.zip"
    path.write_bytes(archive({"main.py": SAYS}))
    return path


@pytest.fixture
def settings(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a command line, in a workspace of the test's own."""
    client = Client(environment["RONDO_URL"])
    name = client.create_workspace(f"cli-{uuid4().hex}").name()
    return {**os.environ, "PYTHONPATH": str(SDK), "RONDO_WORKSPACE": name}


@pytest.fixture
def rondo(settings: dict[str, str], tmp_path: Path) -> Rondo:
    """Runs `rondo`."""

    def run(*arguments: str, stdin: str | None = None, **more: str) -> Done:
        command = [sys.executable, "-m", "rondo", *arguments]
        return subprocess.run(
            command,
            input=stdin or "",
            capture_output=True,
            text=True,
            env={**settings, **more},
            cwd=tmp_path,
            check=False,
        )

    return run


@pytest.fixture
def following(settings: dict[str, str], tmp_path: Path) -> Following:
    """Runs `rondo` for as long as the block lasts; its lines as they come."""

    @contextmanager
    def run(*arguments: str) -> Iterator[Iterator[str]]:
        command = [sys.executable, "-m", "rondo", *arguments]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=settings, cwd=tmp_path
        ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout
            finally:
                process.terminate()

    return run


def decoded(done: Done) -> Any:
    """What it printed as JSON; it must have ended well."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
