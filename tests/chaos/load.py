"""Work for the platform while things go wrong: tasks of each kind, ordered about, remembered."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.executor.harness import living, mark
from tests.history.commands import Acknowledged, Kind
from tests.platform import Api, Refused, until
from tests.served import AWAY, NOT_NOW

BEGIN = "begin"  # the first line of the script
LINES = 50
SCRIPT = f"""
import os, time
print("{BEGIN}", os.environ["RONDO_RUN_ID"], flush=True)
time.sleep(0.2)
for n in range({LINES - 1}):
    print("line", n)
"""
# Processes that outlive their run, unless it is ended with all that it has.
DAEMON = """
import os, time
print("{begin}", os.environ["RONDO_RUN_ID"], flush=True)
if os.fork() == 0:
    os.setsid()
    os.execvp("sleep", ["sleep", "{mark}"])
time.sleep(2)
"""
SCHEDULES: list[dict[str, object]] = [
    {"schedule": "* * * * * *", "misfire": "all"},
    {"schedule": "* * * * * *", "overlap": "skip"},
    {"schedule": "*/2 * * * * *", "overlap": "queue", "misfire": "all"},
    {"schedule": "*/3 * * * * *", "misfire": "none"},
]
ORDERS: list[Kind] = ["pause", "pause", "pause", "resume", "resume", "kill"]


class Load:
    """`acknowledged` is what the API has accepted, with the time that the answer took."""

    def __init__(self, client: Api, dice: random.Random) -> None:
        self._client = client
        self._dice = dice
        self._script = self._daemon = ""
        self._mark = mark()
        self.acknowledged: list[Acknowledged] = []
        self.once: list[str] = []
        self.lasting: list[str] = []

    async def prepare(self) -> None:
        self._script = await self._client.ready({"main.py": SCRIPT})
        self._daemon = await self._client.ready(
            {"main.py": DAEMON.format(begin=BEGIN, mark=self._mark)}
        )

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """Schedules and continuous tasks, paused and resumed and replaced; and one run-once task
        after another."""
        self.once = []
        self.lasting = [await self._schedule(number) for number in range(len(SCHEDULES))]
        for script in (self._script, self._daemon):
            self.lasting.append(await self._created(self._client.run(script, "continuously")))
        over = asyncio.Event()
        working = [asyncio.create_task(self._submit()), asyncio.create_task(self._command(over))]
        try:
            yield
        finally:
            over.set()  # so that no killed task is left without another in its place
            working[0].cancel()
            await asyncio.wait(working)
        for one in working:
            if not one.cancelled():
                one.result()

    async def goes_on(self) -> None:
        """Once the platform is well: a run that comes after now of each lasting task."""
        for task in self.lasting:
            await until(partial(self._ordered, "resume", task), f"task {task} to be resumed")
        for task in self.lasting:
            known = {run["run_id"] for run in await self._client.runs(task)}
            await until(partial(self._new, task, known), f"a new run of task {task}")

    async def all_ended(self) -> None:
        """I1 and I6: every acknowledged task is there, has run, and its run has ended."""
        for task in self.once:
            await until(partial(self._over, task), f"the run of task {task} to end")

    async def kill_lasting(self) -> None:
        """I7: nothing of them lives once they are killed."""
        for task in self.lasting:
            await until(partial(self._ordered, "kill", task), f"task {task} to be told to end")
        for task in self.lasting:
            await until(partial(self._killed, task), f"task {task} to be killed")
        assert not living(self._mark), "processes of a killed task live on"

    async def _schedule(self, number: int) -> str:
        return await self._created(self._client.run(self._script, "scheduled", **SCHEDULES[number]))

    async def _submit(self) -> None:
        while True:
            task = await self._tried(self._created(self._client.run(self._script, timeout=30)))
            if task is not None:
                self.once.append(task)
            await asyncio.sleep(0.3)  # the pace of the load

    async def _command(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(self._dice.uniform(0.3, 1.5))  # the pace of orders
            task = self._dice.choice(self.lasting)
            kind = self._dice.choice(ORDERS)
            if kind == "kill" and task not in self.lasting[: len(SCHEDULES)]:
                continue
            await self._tried(self._ordered(kind, task))
            if kind == "kill":
                await self._replaced(task)

    async def _replaced(self, task: str) -> None:
        """Another one in the killed one's place; both are looked at in the end."""
        place = self.lasting.index(task)

        async def made() -> Any:
            return await self._tried(self._schedule(place % len(SCHEDULES)))

        self.lasting[place] = await until(made, f"another task in the place of {task}")
        self.once += [task]

    async def _tried(self, work: Awaitable[Any]) -> Any:
        """None where the platform says that it can't be now, or says nothing."""
        try:
            return await work
        except Refused as refused:
            if refused.status not in NOT_NOW:
                raise
        except AWAY:
            pass
        return None

    async def _created(self, asked: Awaitable[str]) -> str:
        """I1: who reads after the acknowledgement sees it, or is told that this can't be now."""
        sent, visible = datetime.now(UTC), True
        try:
            task = await asked
        except Refused as refused:
            if (
                not isinstance(refused.body, dict)
                or refused.body.get("reason") != "not_visible_yet"
            ):
                raise
            task, visible = str(refused.body["id"]), False
        self._remember("create", task, sent)
        if visible:
            await self._tried(self._client.task(task))
        return task

    async def _ordered(self, kind: Kind, task: str) -> bool:
        """A task that is killed stays so, and can't be told anything else."""
        sent = datetime.now(UTC)
        try:
            if kind == "kill":
                await self._client.post("task/kill", {"id": task, "keep_logs": True})
            else:
                await self._client.post("task/pause", {"id": task, "pause": kind == "pause"})
        except Refused as refused:
            if refused.status == 409:
                return True
            raise
        self._remember(kind, task, sent)
        return True

    def _remember(self, kind: Kind, task: str, sent: datetime) -> None:
        self.acknowledged.append(Acknowledged(kind, task, sent, datetime.now(UTC)))

    async def _over(self, task: str) -> bool:
        runs = await self._client.runs(task)
        status = (await self._client.task(task))["status"]
        return bool(runs or status == "killed") and all(run["status"] != "running" for run in runs)

    async def _new(self, task: str, known: set[str]) -> bool:
        runs = await self._client.runs(task)
        return any(run["run_id"] not in known and run["status"] == "success" for run in runs)

    async def _killed(self, task: str) -> bool:
        return bool((await self._client.task(task))["status"] == "killed")


async def readable(client: Api) -> None:
    """Returns once the API has all that it needs."""

    async def ready() -> bool:
        try:
            async with client.session.get("/readyz") as answer:
                return answer.status == 200
        except AWAY:
            return False

    await until(ready, "the API to be ready")
