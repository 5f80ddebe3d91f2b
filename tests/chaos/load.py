"""Work for the platform while parts of it are killed: tasks of each kind, remembered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp

from tests.chaos.invariants import BEGIN
from tests.platform import Api, Refused, until

EVERY_SECOND = "* * * * * *"
LINES = 200
SCRIPT = f"""
import os, time
print("{BEGIN}", os.environ["RONDO_RUN_ID"], flush=True)
time.sleep(0.3)
for n in range({LINES - 1}):
    print("line", n)
"""
# What a client sees of a service that has just been killed.
AWAY = (aiohttp.ClientConnectionError, TimeoutError)


class Load:
    """`acknowledged` are the run-once tasks of which the API has said that they are accepted."""

    def __init__(self, client: Api, orchestration: str) -> None:
        self._client = client
        self._orchestration = orchestration
        self.acknowledged: list[str] = []
        self.lasting: list[str] = []

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """A schedule and a continuous task, and one run-once task after another."""
        self.lasting = [
            await self._client.run(self._orchestration, "scheduled", schedule=EVERY_SECOND),
            await self._client.run(self._orchestration, "continuously"),
        ]
        submitting = asyncio.create_task(self._submit())
        try:
            yield
        finally:
            submitting.cancel()
            await asyncio.wait([submitting])
        if not submitting.cancelled():
            submitting.result()

    async def _submit(self) -> None:
        while True:
            await self._submit_one()
            await asyncio.sleep(0.1)  # the pace of the load

    async def _submit_one(self) -> None:
        try:
            task = await self._client.run(self._orchestration)
        except Refused as refused:
            if refused.status != 503:
                raise
            if refused.body["reason"] == "not_visible_yet":
                self.acknowledged.append(refused.body["id"])
            return
        except AWAY:
            return  # what has become of it nobody can know
        self.acknowledged.append(task)
        await self._can_be_seen(task)

    async def _can_be_seen(self, task: str) -> None:
        """I1: who reads after the acknowledgement sees it, or is told that this can't be now."""
        try:
            await self._client.task(task)
        except Refused as refused:
            if refused.status != 503:
                raise
        except AWAY:
            return

    async def all_ended(self) -> None:
        """I1 and I6: every acknowledged task is there, has run, and its run has ended."""
        for task in self.acknowledged:
            await until(partial(self._over, task), f"the run of task {task} to end")

    async def goes_on(self) -> None:
        """Once the platform is well: a tick and a turn of the lasting tasks that come after now."""
        for task in self.lasting:
            known = {run["run_id"] for run in await self._runs(task)}
            await until(partial(self._new, task, known), f"task {task}")

    async def kill_lasting(self) -> None:
        for task in self.lasting:
            await self._client.post("task/kill", {"id": task, "keep_logs": True})
        for task in self.lasting:
            await until(partial(self._killed, task), f"task {task} to be killed")

    async def _runs(self, task: str) -> list[dict[str, str]]:
        return await self._client.runs(task)

    async def _over(self, task: str) -> bool:
        runs = await self._runs(task)
        return bool(runs) and all(run["status"] != "running" for run in runs)

    async def _new(self, task: str, known: set[str]) -> bool:
        return any(
            run["run_id"] not in known and run["status"] == "success"
            for run in await self._runs(task)
        )

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
