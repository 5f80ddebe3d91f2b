# Made from aio/task.py by generate.py: change that one, then run this.
"""A task: an order to run an orchestration once, on a schedule or continuously."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.errors import TaskEnded
from rondo.html import Table
from rondo.models import ENDED, TaskRecord, TaskStatus
from rondo.patience import until
from rondo.session import AWAY
from rondo.task_run import TaskRun

if TYPE_CHECKING:
    from rondo.calls import Calls

_NEVER_RUNS = frozenset({"killed", "failed", "schedule_error"})


class Task(TaskRecord):
    def __init__(self, client: Calls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def status(self) -> str:
        """As it is now: `pending`, then `started`, which a task that runs once stays."""
        return str((self._refreshed())["status"])

    def kill(self, keep_logs: bool = False) -> TaskStatus:
        """Stops it for good, and what runs of it. Its logs go too unless they are kept."""
        order = {"id": self.id(), "keep_logs": keep_logs}
        return self._commanded("kill", order)

    def pause(self) -> TaskStatus:
        """Nothing starts until it is resumed; what runs goes on."""
        return self._commanded("pause", {"id": self.id(), "pause": True})

    def resume(self) -> TaskStatus:
        return self._commanded("pause", {"id": self.id(), "pause": False})

    def last_runs(self, limit: int | None = None, status: str | None = None) -> Table[TaskRun]:
        """The last to change first; `status` is all, running, success, failure, timed_out, ..."""
        return self._runs(limit, status, 4.0)

    def wait(self, timeout: float | None = None) -> TaskRun:
        """Its newest run, once that has ended. TimeoutError after `timeout` seconds, TaskEnded
        when there never will be one.

        A task that runs once and may be tried again has ended with its last try.
        """

        def ended() -> TaskRun | None:
            run = self._newest()
            if run is None:
                self._never()
            elif run.shown()["Status"] in ENDED and not self._tries_again(run):
                return run
            return None

        return until(ended, f"a run of task {self.id()} to end", timeout)

    def newest_run(self, timeout: float | None = None) -> TaskRun:
        """Running or ended; the first one is waited for. TimeoutError, TaskEnded as for `wait`."""

        def begun() -> TaskRun | None:
            run = self._newest()
            if run is None:
                self._never()
            return run

        return until(begun, f"a run of task {self.id()} to begin", timeout)

    def _newest(self) -> TaskRun | None:
        """By when it was asked for: an older run may have changed later."""
        runs = self._runs(None, None, AWAY)
        return max(runs, key=lambda run: run.created_at(), default=None)

    def _never(self) -> None:
        """TaskEnded when no first run will come."""
        if self._over():
            why = self._data.get("reason") or "it never ran"
            raise TaskEnded(f"task {self.id()} is {self._data['status']}: {why}", "task_ended")

    def _over(self) -> bool:
        return (self._refreshed(AWAY))["status"] in _NEVER_RUNS

    def _tries_again(self, run: TaskRun) -> bool:
        attempts = self._data.get("retry", {}).get("attempts", 1)
        if attempts == 1 or run.shown()["Status"] not in ("failure", "timed_out"):
            return False
        return int((run.details(AWAY))["attempt"]) < attempts and not self._over()

    def _runs(self, limit: int | None, status: str | None, patience: float) -> Table[TaskRun]:
        asked = {"task_id": self.id(), "limit": limit, "status": status}
        found = self._client.session.read("task/list_task_runs", asked, patience)
        return Table((TaskRun(self._client, data) for data in found), "task runs")

    def _refreshed(self, patience: float = 4.0) -> dict[str, Any]:
        found = self._client.session.read("task/get_by_id", {"id": self.id()}, patience)
        self._data.update(found)
        return self._data

    def _commanded(self, path: str, order: dict[str, Any]) -> TaskStatus:
        answer = self._client.session.command(f"task/{path}", order, repeatable=True)
        self._data.update(answer)
        return TaskStatus(answer["status"])
