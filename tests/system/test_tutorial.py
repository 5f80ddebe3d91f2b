"""The flow of the product's tutorial, step by step over HTTP, with somebody else's archive."""

import hashlib
from typing import Any

from tests.platform import Api, archive, until

MAIN = """
import csv, json, os
from pathlib import Path

arguments = json.loads((Path.home() / "arguments.json").read_text())
print(sorted(arguments.items()))
with open("./data/houses.csv") as table:
    print("rows:", sum(1 for _ in csv.reader(table)))
import pandas
print(pandas.read_csv("./data/houses.csv")["price"].sum())
"""
FILES = {
    "remote_inference/main.py": MAIN,
    "remote_inference/requirements.txt": "",
    "remote_inference/data/houses.csv": "id,price\n1,2900\n2,5505\n",
}
ARGUMENTS = {"workspace_name": "apiorchestrationworkspace", "pipeline_name": "apipipeline"}


async def test_the_tutorial(client: Api) -> None:
    orchestration = await uploaded(client)
    task = await client.run(
        orchestration["id"], name="api run once task", json=ARGUMENTS, debug=False
    )
    await ran_once(client, task)
    await found_by_sha(client, orchestration["sha"], task)
    await scheduled_and_killed(client, orchestration["id"])


async def uploaded(client: Api) -> Any:
    id = await client.upload(FILES, "api_inference_orchestration")
    [listed] = await client.post("orchestration/list", {"workspace_id": client.workspace})
    assert listed["id"] == id
    assert listed["sha"] == hashlib.sha256(archive(FILES)).hexdigest()
    assert listed["file_name"] == "api_inference_orchestration.zip"
    seen = {listed["status"]}

    async def ready() -> Any:
        found = await client.post("orchestration/get_by_id", {"id": id})
        seen.add(found["status"])
        return found if found["status"] in ("ready", "error") else None

    found = await until(ready, "status ready")
    assert seen <= {"pending_packaging", "packaging", "ready"}, found["reason"]
    return found


async def ran_once(client: Api, task: str) -> None:
    await until(lambda: has_status(client, task, "started"), "status started")
    [run] = await client.ended(task)
    assert run["status"] == "success"
    [listed] = await client.runs(task)
    assert listed["task"] == task
    found = await client.task(task)
    assert found["status"] == "started"  # and stays so: the run says how it went
    assert found["input_data"] == ARGUMENTS
    assert [one["run_id"] for one in found["last_runs"]] == [run["run_id"]]
    lines = await client.lines(run["run_id"])
    assert lines == [str(sorted(ARGUMENTS.items())), "rows: 3", "8405"]
    last = await client.post("task/get_logs_for_run", {"id": run["run_id"], "lines": 1})
    assert [line.split(" ")[3] for line in last["logs"]] == ["8405"]


async def found_by_sha(client: Api, sha: str, task: str) -> None:
    found = await client.post("task/get_tasks_by_orch_sha", {"sha": sha})
    assert found == {"ids": [task]}


async def scheduled_and_killed(client: Api, orchestration: str) -> None:
    """Killed is killed (I7): the task leaves the list and its logs are gone."""
    task = await client.run(
        orchestration,
        "scheduled",
        name="scheduled api task",
        json=ARGUMENTS,
        schedule="* * * * * *",
    )
    await until(lambda: has_status(client, task, "started"), "status started")
    run = (await client.ended(task))[0]["run_id"]
    assert len(await client.lines(run)) == 3
    answer = await client.post("task/kill", {"id": task})
    assert answer["status"] in ("pending_kill", "killed")
    await until(lambda: has_status(client, task, "killed"), "status killed")
    await until(lambda: no_lines(client, run), "logs to be gone")
    listed = await client.post("task/list", {"workspace_id": client.workspace})
    assert task not in [one["id"] for one in listed]
    killed = await client.post("task/list", {"workspace_id": client.workspace, "killed": True})
    assert [one["id"] for one in killed] == [task]


async def has_status(client: Api, task: str, status: str) -> bool:
    return bool((await client.task(task))["status"] == status)


async def no_lines(client: Api, run: str) -> bool:
    return not (await client.log(run))["logs"]
