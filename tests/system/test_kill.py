"""Kill kills (I7): once a task is killed nothing of it lives, starts again, or can be read."""

from functools import partial

from tests.executor.harness import living, mark
from tests.platform import Api, until

SLEEPS = mark()  # argument of sleep by which a process of the task is known
SCRIPT = f"""
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.execvp("sleep", ["sleep", "{SLEEPS}"])
        os._exit(0)
print("daemons run", flush=True)
os.execvp("sleep", ["sleep", "{SLEEPS}"])
"""


async def test_nothing_of_a_killed_task_lives_on(client: Api) -> None:
    orchestration = await client.ready({"main.py": SCRIPT})
    task = await client.run(orchestration, "continuously")
    await until(four_sleep, "the run and its daemons")
    [run] = await client.runs(task)
    await until(partial(has_printed, client, run["run_id"]), "its first line")
    assert (await client.post("task/kill", {"id": task}))["status"] in ("pending_kill", "killed")
    await until(partial(is_killed, client, task), "status killed")
    assert not living(SLEEPS)
    await until(partial(is_empty, client, run["run_id"]), "its log to be gone")
    # Another task's run comes and goes: what was to start meanwhile would have.
    await client.ended(await client.run(await client.ready({"main.py": ""})))
    assert [one["status"] for one in await client.runs(task)] == ["killed"]
    assert not living(SLEEPS)


async def four_sleep() -> bool:
    return len(living(SLEEPS)) == 4


async def has_printed(client: Api, run: str) -> bool:
    return bool((await client.log(run))["logs"])


async def is_empty(client: Api, run: str) -> bool:
    return not await has_printed(client, run)


async def is_killed(client: Api, task: str) -> bool:
    return bool((await client.task(task))["status"] == "killed")
