"""A backup of a running platform, restored into an empty folder, is the platform as it was."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from libs.domain.ids import pipeline_stream
from libs.service.disk_reserve import DiskReserve
from services.inference.logs.config import RECORDS
from services.inference.logs.write import Writer
from tests.inference.logs.records import head, json_body
from tests.platform import Api, Platform, api, running, until

MAIN = """
import json, sys
for number in range(300):
    print("line", number)
"""
SECRET = {"host": "db.example.org", "password": "s3cret of the connection"}
PASSWORD = "a password of somebody's"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    (tmp_path / "old").mkdir()
    with running(Platform(tmp_path / "old")) as found:
        yield found


async def rondo(*arguments: str) -> tuple[int, str]:
    """The exit status of the command and what it has shown."""
    command = str(Path(sys.executable).with_name("rondo"))
    process = await asyncio.create_subprocess_exec(
        command, *arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def state(client: Api, tasks: list[str]) -> dict[str, Any]:
    """What the API says of everything that stands still."""
    found: dict[str, Any] = {
        "workspaces": await client.post("workspaces/list", {}),
        "orchestrations": await client.post(
            "orchestration/list", {"workspace_id": client.workspace}
        ),
        "users": await client.post("users/query", {}),
        "connection": await client.post("connections/get", {"name": "db"}),
        "inferences": await client.post(
            "pipelines/get_logs", {"pipeline_name": "p", "workspace_id": client.workspace}
        ),
    }
    for task in tasks:
        found[task] = await client.task(task)
        for run in await client.runs(task):
            found[run["run_id"]] = await client.details(task, run["run_id"])
            found["log of " + run["run_id"]] = await client.log(run["run_id"])
    return found


async def infer(client: Api, platform: Platform, number: float) -> Writer:
    """As a gateway writes it down, which may then write more."""
    body = {"pipeline_id": "p", "workspace_id": client.workspace, "definition": {}}
    await client.post("pipelines/create", body)
    pipeline = UUID(pipeline_stream(client.workspace, "p").id)
    writer = Writer(platform.data / "inference" / RECORDS, DiskReserve(None, 0))
    now = time.time_ns() // 1_000_000
    writer.append(head(time=now, pipeline=pipeline), json_body([[number]]))
    return writer


async def log_in(platform: Platform, email: str, password: str) -> None:
    access = platform.access
    platform.access = {**access, "user": email, "password": password}
    try:
        async with api(platform, "theirs"):
            pass
    finally:
        platform.access = access


async def test_restored_it_says_the_same_and_goes_on(platform: Platform, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    async with api(platform, "saved") as client:
        orchestration = await client.ready({"main.py": MAIN})
        once = await client.run(orchestration)
        await client.ended(once)
        await client.post(
            "connections/create",
            {
                "name": "db",
                "type": "DB",
                "details": SECRET,
                "workspace_id": client.workspace,
            },
        )
        await client.post("users/create", {"email": "ann@example.org", "password": PASSWORD})
        inferences = [await infer(client, platform, number) for number in (1.0, 2.0)]
        before = await state(client, [once])
        assert [one["in"]["tensor"] for one in before["inferences"]] == [[1.0], [2.0]]
        busy = await client.run(orchestration, "continuously")
        await client.ended(busy)
        status, said = await rondo("backup", "--data", str(platform.data), "--to", str(backup))
        assert status == 0, said
        assert "the instance is running" in said
        saved_at_least = {run["run_id"] for run in await client.runs(once)}
    assert before["connection"]["details"] == SECRET
    for writer in inferences:
        writer.close()
    platform.stop()

    (tmp_path / "new").mkdir()
    restored = Platform(tmp_path / "new")
    status, said = await rondo("restore", "--from", str(backup), "--data", str(restored.data))
    assert status == 0, said
    with running(restored):
        async with api(restored, "saved") as client:
            assert await state(client, [once]) == before
            await client.post("admin/resume", {})
            assert saved_at_least == {run["run_id"] for run in await client.runs(once)}
            await log_in(restored, "ann@example.org", PASSWORD)
            ended = [run for run in await client.runs(busy) if run["status"] == "success"]
            assert ended
            for run in ended:  # I5, though the backup was made while they ran
                assert len(await client.lines(run["run_id"])) == 300

            async def more() -> bool:
                now = [run for run in await client.runs(busy) if run["status"] == "success"]
                return len(now) > len(ended)

            await until(more, "the continuous task going on")
            again = await client.run(orchestration)
            (run,) = await client.ended(again)
            assert run["status"] == "success", run
        events = await restored.events()
        assert [one.seq for one in events] == list(range(1, len(events) + 1))
        assert len({one.stream.id for one in events if one.stream.aggregate == "task"}) == 3
        assert UUID(once)


async def test_what_can_not_be_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    nowhere, full = tmp_path / "nowhere", tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    refused = {
        ("backup", "--data", str(nowhere), "--to", str(tmp_path / "to")): "no instance",
        ("restore", "--from", str(full), "--data", str(tmp_path / "x")): "no whole backup",
    }
    for arguments, reason in refused.items():
        status, said = await rondo(*arguments)
        assert (status, reason in said) == (1, True), said
    (nowhere).mkdir()
    (nowhere / "lock").touch()
    status, said = await rondo("backup", "--data", str(nowhere), "--to", str(full))
    assert (status, "choose an empty folder" in said) == (1, True), said
