"""A restored copy beside the living instance does nothing by itself until it is told."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from libs.domain.events import RunRequested, RunStarted
from tests.operations.test_backup import rondo
from tests.platform import Api, Platform, Refused, api, running, until
from tests.subscriptions.receiver import Receiver

QUIET = 6.0  # seconds in which a schedule of every second, and a retry, would show themselves


ALLOW = {"RONDO_WEBHOOKS_ALLOW": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("old"), variables=ALLOW)) as found:
        yield found


async def readyz(client: Api) -> Any:
    async with client.session.get("/readyz") as answer:
        return await answer.json()


async def requested(platform: Platform) -> list[str]:
    """Runs that were asked for, and those that were started."""
    return [
        f"{type(one.event).__name__} {one.stream.id}"
        for one in await platform.events()
        if isinstance(one.event, RunRequested | RunStarted)
    ]


async def test_only_administrators_let_it_go(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api(platform, "held") as client:
        await client.post("users/create", {"email": "bob@example.org", "password": "bob's own one"})
        own = {"user": "bob@example.org", "password": "bob's own one"}
        monkeypatch.setattr(platform, "access", platform.access | own)
        async with api(platform, "bob's") as bob:
            with pytest.raises(Refused, match="403"):
                await bob.post("admin/resume", {})
        await client.post("admin/resume", {})  # nothing is held, and nothing happens


async def test_a_copy_waits_until_it_is_told(platform: Platform, tmp_path: Path) -> None:
    backup, receiver = tmp_path / "backup", Receiver()
    async with api(platform, "held") as client:
        assert "held" not in await readyz(client)
        orchestration = await client.ready({"main.py": "print('once')"})
        ticking = await client.run(orchestration, "scheduled", schedule="* * * * * *")
        await client.ended(ticking, 2)
        await client.post(
            "subscriptions/create",
            {"workspace_id": client.workspace, "name": "hook", "url": receiver.url},
        )
        platform.signal("executor")  # so that some are asked for, and not started
        status, said = await rondo("backup", "--data", str(platform.data), "--to", str(backup))
        assert status == 0, said
    platform.stop()
    for name in ("events", "logs", "parked", "postgres.dump", "manifest.json"):
        assert (backup / name).stat().st_mode & 0o777 == 0o600, name

    (tmp_path / "new").mkdir()
    copy = Platform(tmp_path / "new", variables=ALLOW)
    status, said = await rondo("restore", "--from", str(backup), "--data", str(copy.data))
    assert status == 0, said
    assert "until you say `rondo resume --all`" in said
    async with receiver.serving():
        with running(copy):
            assert "it runs nothing and sends no webhook" in copy.shown()
            async with api(copy, "held") as client:
                before = await requested(copy)
                assert "rondo resume --all" in (await readyz(client))["held"]
                async with client.session.get("/v1/api/admin/platform") as answer:
                    assert (await answer.json())["held"]["saved_at"]
                again = await client.run(orchestration)  # is taken, and waits as all do
                copy.signal("scheduler")
                copy.signal("executor")
                copy.signal("api")
                await asyncio.sleep(QUIET)
                assert receiver.hooks == []
                asked = await requested(copy)
                assert asked[: len(before)] == before
                assert len(asked) == len(before) + 1
                assert "held" in await until(lambda: readyz(client))
                assert "rondo resume --all" in rondo_as(copy, "ps")
                rondo_as(copy, "resume", "--all")
                await client.ended(again)
                await receiver.until(lambda: bool(receiver.hooks))
                events = [one for one in await copy.events() if one.stream.aggregate == "run"]
                ticks = [
                    one.event
                    for one in events
                    if isinstance(one.event, RunRequested) and str(one.event.task) == ticking
                ]
                for one, following in pairwise(ticks):  # I3
                    passed = (following.scheduled_at - one.scheduled_at).total_seconds()
                    assert passed == 1 + following.missed
                assert max(one.missed for one in ticks) > QUIET - 1
                assert "held" not in await readyz(client)


def rondo_as(platform: Platform, *arguments: str) -> str:
    """What the command says on stderr, as the administrator."""
    names = {"url": "RONDO_URL", "user": "RONDO_USER", "password": "RONDO_PASSWORD"}
    environment = os.environ | {names[key]: value for key, value in platform.access.items()}
    command = str(Path(sys.executable).with_name("rondo"))
    done = subprocess.run(
        [command, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stderr
