"""A task: an order to run an orchestration once, on a schedule or continuously."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.polling import until
from rondo.aio.session import CALL_PATIENCE_SECONDS, WAIT_PATIENCE_SECONDS
from rondo.aio.task_run import AsyncTaskRun
from rondo.errors import TaskEnded
from rondo.html import Table
from rondo.records import END_STATUSES, TaskRecord, TaskStatus

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls

_NO_MORE_RUNS = frozenset({"killed", "failed", "success", "schedule_error"})


class AsyncTask(TaskRecord):
    """An order to run an orchestration; each execution is a run."""

    def __init__(self, client: AsyncCalls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def status(self) -> str:
        """Its status now, a text of `TaskStatus`: first `pending`, then `started`.

        A task that runs once stays `started` after its run has ended.
        """
        return str((await self._refresh())["status"])

    async def kill(self, keep_logs: bool = False) -> TaskStatus:
        """Stop it for good, with whatever runs of it. Killing it twice is no error.

        Its logs are deleted unless `keep_logs` is true. Returns the new status.
        """
        return await self._command("kill", {"id": self.id(), "keep_logs": keep_logs})

    async def pause(self) -> TaskStatus:
        """Start no more runs until `resume`; what runs goes on. Returns the new status.

        Raises Conflict when the task has ended, RequestRefused when it is one that runs once.
        """
        return await self._command("pause", {"id": self.id(), "pause": True})

    async def resume(self) -> TaskStatus:
        """Start runs again after `pause`. Returns the new status.

        Raises Conflict when the task has ended.
        """
        return await self._command("pause", {"id": self.id(), "pause": False})

    async def last_runs(
        self, limit: int | None = None, status: str | None = None
    ) -> Table[AsyncTaskRun]:
        """Its runs; the one that changed last comes first.

        At most `limit` of them, and only those with this `status`: `running`, `success`,
        `failure`, `timed_out`, `killed`, or `all`.
        """
        return await self._runs(limit, status, CALL_PATIENCE_SECONDS)

    async def wait(self, timeout: float | None = None) -> AsyncTaskRun:
        """Wait until its newest run has ended, and return that run.

        A task that runs once and may be tried again has ended with its last try. Raises
        TimeoutError after `timeout` seconds, TaskEnded when no run will come.
        """

        async def ended() -> AsyncTaskRun | None:
            run = await self._newest()
            if run is None:
                await self._raise_if_over()
            elif run.shown()["Status"] in END_STATUSES and not await self._tries_again(run):
                return run
            return None

        return await until(ended, f"a run of task {self.id()} to end", timeout)

    async def newest_run(self, timeout: float | None = None) -> AsyncTaskRun:
        """Its newest run, running or ended. Waits for the first one.

        Raises TimeoutError after `timeout` seconds, TaskEnded when no run will come.
        """

        async def begun() -> AsyncTaskRun | None:
            run = await self._newest()
            if run is None:
                await self._raise_if_over()
            return run

        return await until(begun, f"a run of task {self.id()} to begin", timeout)

    async def _newest(self) -> AsyncTaskRun | None:
        """By when it was requested: an older run may have changed later."""
        runs = await self._runs(None, None, WAIT_PATIENCE_SECONDS)
        return max(runs, key=lambda run: run.created_at(), default=None)

    async def _raise_if_over(self) -> None:
        """Raises TaskEnded when no first run will come."""
        if await self._is_over() and await self._newest() is None:  # none came just before, either
            why = self._data.get("reason") or "it never ran"
            raise TaskEnded(f"task {self.id()} is {self._data['status']}: {why}", "task_ended")

    async def _is_over(self) -> bool:
        return (await self._refresh(WAIT_PATIENCE_SECONDS))["status"] in _NO_MORE_RUNS

    async def _tries_again(self, run: AsyncTaskRun) -> bool:
        attempts = self._data.get("retry", {}).get("attempts", 1)
        if attempts == 1 or run.shown()["Status"] not in ("failure", "timed_out"):
            return False
        attempt = int((await run.details(WAIT_PATIENCE_SECONDS))["attempt"])
        return attempt < attempts and not await self._is_over()

    async def _runs(
        self, limit: int | None, status: str | None, patience: float
    ) -> Table[AsyncTaskRun]:
        body = {"task_id": self.id(), "limit": limit, "status": status}
        runs = await self._client.session.read("task/list_task_runs", body, patience)
        return Table((AsyncTaskRun(self._client, data) for data in runs), "task runs")

    async def _refresh(self, patience: float = CALL_PATIENCE_SECONDS) -> dict[str, Any]:
        body = {"id": self.id()}
        self._data.update(await self._client.session.read("task/get_by_id", body, patience))
        return self._data

    async def _command(self, path: str, body: dict[str, Any]) -> TaskStatus:
        answer = await self._client.session.command(f"task/{path}", body, repeatable=True)
        self._data.update(answer)
        return TaskStatus(answer["status"])
