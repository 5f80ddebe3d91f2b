# Made from aio/task.py by generate.py: change that one, then run this.
"""A task: an order to run an orchestration once, on a schedule or continuously."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.errors import TaskEnded
from rondo.html import Table
from rondo.polling import until
from rondo.records import END_STATUSES, TaskRecord, TaskStatus
from rondo.session import CALL_PATIENCE_SECONDS, WAIT_PATIENCE_SECONDS
from rondo.task_run import TaskRun

if TYPE_CHECKING:
    from rondo.calls import Calls

_NO_MORE_RUNS = frozenset({"killed", "failed", "success", "schedule_error"})


class Task(TaskRecord):
    """An order to run an orchestration; each execution is a run."""

    def __init__(self, client: Calls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def status(self) -> str:
        """Its status now, a text of `TaskStatus`: first `pending`, then `started`.

        A task that runs once stays `started` after its run has ended.
        """
        return str((self._refresh())["status"])

    def kill(self, keep_logs: bool = False) -> TaskStatus:
        """Stop it for good, with whatever runs of it. Killing it twice is no error.

        Its logs are deleted unless `keep_logs` is true. Returns the new status.
        """
        return self._command("kill", {"id": self.id(), "keep_logs": keep_logs})

    def pause(self) -> TaskStatus:
        """Start no more runs until `resume`; what runs goes on. Returns the new status.

        Raises Conflict when the task has ended, RequestRefused when it is one that runs once.
        """
        return self._command("pause", {"id": self.id(), "pause": True})

    def resume(self) -> TaskStatus:
        """Start runs again after `pause`. Returns the new status.

        Raises Conflict when the task has ended.
        """
        return self._command("pause", {"id": self.id(), "pause": False})

    def last_runs(self, limit: int | None = None, status: str | None = None) -> Table[TaskRun]:
        """Its runs; the one that changed last comes first.

        At most `limit` of them, and only those with this `status`: `running`, `success`,
        `failure`, `timed_out`, `killed`, or `all`.
        """
        return self._runs(limit, status, CALL_PATIENCE_SECONDS)

    def wait(self, timeout: float | None = None) -> TaskRun:
        """Wait until its newest run has ended, and return that run.

        A task that runs once and may be tried again has ended with its last try. Raises
        TimeoutError after `timeout` seconds, TaskEnded when no run will come.
        """

        def ended() -> TaskRun | None:
            run = self._newest()
            if run is None:
                self._raise_if_over()
            elif run.shown()["Status"] in END_STATUSES and not self._tries_again(run):
                return run
            return None

        return until(ended, f"a run of task {self.id()} to end", timeout)

    def newest_run(self, timeout: float | None = None) -> TaskRun:
        """Its newest run, running or ended. Waits for the first one.

        Raises TimeoutError after `timeout` seconds, TaskEnded when no run will come.
        """

        def begun() -> TaskRun | None:
            run = self._newest()
            if run is None:
                self._raise_if_over()
            return run

        return until(begun, f"a run of task {self.id()} to begin", timeout)

    def _newest(self) -> TaskRun | None:
        """By when it was requested: an older run may have changed later."""
        runs = self._runs(None, None, WAIT_PATIENCE_SECONDS)
        return max(runs, key=lambda run: run.created_at(), default=None)

    def _raise_if_over(self) -> None:
        """Raises TaskEnded when no first run will come."""
        if self._is_over() and self._newest() is None:  # none came just before, either
            why = self._data.get("reason") or "it never ran"
            raise TaskEnded(f"task {self.id()} is {self._data['status']}: {why}", "task_ended")

    def _is_over(self) -> bool:
        return (self._refresh(WAIT_PATIENCE_SECONDS))["status"] in _NO_MORE_RUNS

    def _tries_again(self, run: TaskRun) -> bool:
        attempts = self._data.get("retry", {}).get("attempts", 1)
        if attempts == 1 or run.shown()["Status"] not in ("failure", "timed_out"):
            return False
        attempt = int((run.details(WAIT_PATIENCE_SECONDS))["attempt"])
        return attempt < attempts and not self._is_over()

    def _runs(self, limit: int | None, status: str | None, patience: float) -> Table[TaskRun]:
        body = {"task_id": self.id(), "limit": limit, "status": status}
        runs = self._client.session.read("task/list_task_runs", body, patience)
        return Table((TaskRun(self._client, data) for data in runs), "task runs")

    def _refresh(self, patience: float = CALL_PATIENCE_SECONDS) -> dict[str, Any]:
        body = {"id": self.id()}
        self._data.update(self._client.session.read("task/get_by_id", body, patience))
        return self._data

    def _command(self, path: str, body: dict[str, Any]) -> TaskStatus:
        answer = self._client.session.command(f"task/{path}", body, repeatable=True)
        self._data.update(answer)
        return TaskStatus(answer["status"])
