"""A task: an order to run an orchestration once, on a schedule or continuously."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.patience import until
from rondo.aio.session import AWAY
from rondo.aio.task_run import AsyncTaskRun
from rondo.errors import TaskEnded
from rondo.html import Table
from rondo.models import ENDED, TaskRecord, TaskStatus

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls

_NEVER_RUNS = frozenset({"killed", "failed", "schedule_error"})


class AsyncTask(TaskRecord):
    def __init__(self, client: AsyncCalls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def status(self) -> str:
        """As it is now: `pending`, then `started`, which a task that runs once stays."""
        return str((await self._refreshed())["status"])

    async def kill(self, keep_logs: bool = False) -> TaskStatus:
        """Stops it for good, and what runs of it. Its logs go too unless they are kept."""
        order = {"id": self.id(), "keep_logs": keep_logs}
        return await self._commanded("kill", order)

    async def pause(self) -> TaskStatus:
        """Nothing starts until it is resumed; what runs goes on."""
        return await self._commanded("pause", {"id": self.id(), "pause": True})

    async def resume(self) -> TaskStatus:
        return await self._commanded("pause", {"id": self.id(), "pause": False})

    async def last_runs(
        self, limit: int | None = None, status: str | None = None
    ) -> Table[AsyncTaskRun]:
        """The last to change first; `status` is all, running, success, failure, timed_out, ..."""
        return await self._runs(limit, status, 4.0)

    async def wait(self, timeout: float | None = None) -> AsyncTaskRun:
        """Its newest run, once that has ended. TimeoutError after `timeout` seconds, TaskEnded
        when there never will be one.

        A task that runs once and may be tried again has ended with its last try.
        """

        async def ended() -> AsyncTaskRun | None:
            run = await self._newest()
            if run is None:
                await self._never()
            elif run.shown()["Status"] in ENDED and not await self._tries_again(run):
                return run
            return None

        return await until(ended, f"a run of task {self.id()} to end", timeout)

    async def newest_run(self, timeout: float | None = None) -> AsyncTaskRun:
        """Running or ended; the first one is waited for. TimeoutError, TaskEnded as for `wait`."""

        async def begun() -> AsyncTaskRun | None:
            run = await self._newest()
            if run is None:
                await self._never()
            return run

        return await until(begun, f"a run of task {self.id()} to begin", timeout)

    async def _newest(self) -> AsyncTaskRun | None:
        """By when it was asked for: an older run may have changed later."""
        runs = await self._runs(None, None, AWAY)
        return max(runs, key=lambda run: run.created_at(), default=None)

    async def _never(self) -> None:
        """TaskEnded when no first run will come."""
        if await self._over():
            why = self._data.get("reason") or "it never ran"
            raise TaskEnded(f"task {self.id()} is {self._data['status']}: {why}", "task_ended")

    async def _over(self) -> bool:
        return (await self._refreshed(AWAY))["status"] in _NEVER_RUNS

    async def _tries_again(self, run: AsyncTaskRun) -> bool:
        attempts = self._data.get("retry", {}).get("attempts", 1)
        if attempts == 1 or run.shown()["Status"] not in ("failure", "timed_out"):
            return False
        return int((await run.details(AWAY))["attempt"]) < attempts and not await self._over()

    async def _runs(
        self, limit: int | None, status: str | None, patience: float
    ) -> Table[AsyncTaskRun]:
        asked = {"task_id": self.id(), "limit": limit, "status": status}
        found = await self._client.session.read("task/list_task_runs", asked, patience)
        return Table((AsyncTaskRun(self._client, data) for data in found), "task runs")

    async def _refreshed(self, patience: float = 4.0) -> dict[str, Any]:
        found = await self._client.session.read("task/get_by_id", {"id": self.id()}, patience)
        self._data.update(found)
        return self._data

    async def _commanded(self, path: str, order: dict[str, Any]) -> TaskStatus:
        answer = await self._client.session.command(f"task/{path}", order, repeatable=True)
        self._data.update(answer)
        return TaskStatus(answer["status"])
