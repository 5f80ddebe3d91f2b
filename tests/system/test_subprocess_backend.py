"""The whole platform with the plain backend, as where the local one can't run."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.platform import Api, Platform, api, running, until

SCRIPT = {
    "sub/main.py": b"""
import json, os, sys
print(json.load(open("arguments.json")), os.environ["RONDO_RUN_ID"] != "", os.getcwd()[-4:])
print("to stderr", file=sys.stderr)
raise SystemExit(3)
"""
}
WAITS = {
    "main.py": b"""
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("asked to end")))
print("up")
signal.pause()
"""
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("plain")
    with running(Platform(folder, variables={"RONDO_BACKEND": "subprocess"})) as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async with api(platform, request.node.name) as client:
        yield client


async def test_a_plain_run_has_its_log_and_its_exit_code(client: Api) -> None:
    task = await client.run(await client.ready(SCRIPT), json={"a": 1})
    [run] = await client.ended(task)
    assert (run["status"], run["reason"], run["exit_code"]) == ("failure", "exited", 3)
    assert run["new_interpreter"] == "its executor makes each run a new interpreter"
    lines = await client.lines(run["run_id"])
    assert sorted(lines) == ["to stderr", "{'a': 1} True /sub"]


async def test_a_plain_run_is_asked_to_end_when_its_task_is_killed(
    client: Api, platform: Platform
) -> None:
    task = await client.run(await client.ready(WAITS))

    async def up() -> bool:
        runs = await client.runs(task)
        return bool(runs) and "up" in str(await client.log(runs[0]["run_id"]))

    await until(up, "a run that waits")
    await client.post("task/kill", {"id": task, "keep_logs": True})

    async def killed() -> bool:
        return bool((await client.task(task))["status"] == "killed")

    await until(killed, "status killed")
    [run] = await client.ended(task)
    assert await client.lines(run["run_id"]) == ["up", "asked to end"]
    assert not [*(platform.data / "executor" / "runs").iterdir()]
