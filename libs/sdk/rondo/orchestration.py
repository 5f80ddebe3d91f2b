# Made from aio/orchestration.py by generate.py: change that one, then run this.
"""An orchestration: an uploaded archive, and what can be run of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.errors import (
    OrchestrationDeployOneshotFailed,
    OrchestrationPackagingFailed,
    RequestRefused,
)
from rondo.html import Table
from rondo.models import OrchestrationRecord
from rondo.patience import until
from rondo.progress import Spinner
from rondo.session import AWAY
from rondo.task import Task

if TYPE_CHECKING:
    from rondo.tasks import Tasks


class Orchestration(OrchestrationRecord):
    def __init__(self, client: Tasks, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def status(self) -> str:
        """As it is now: pending_packaging, packaging, then `ready` or `error`."""
        return str((self._refreshed(4.0))["status"])

    def reason(self) -> str:
        """Why it is in `error`; else empty."""
        return str((self._refreshed(4.0)).get("reason", ""))

    def wait(self, timeout: float | None = None) -> Orchestration:
        """Itself, once it is ready. TimeoutError after `timeout` seconds,
        OrchestrationPackagingFailed when it never will be; progress is shown on a terminal."""
        with Spinner(f"packaging {self.file_name()}") as spinner:

            def ready() -> Orchestration | None:
                found = self._refreshed(AWAY)
                spinner.turn(found["status"])
                if found["status"] == "error":
                    raise OrchestrationPackagingFailed(found["reason"], "packaging_failed")
                return self if found["status"] == "ready" else None

            return until(ready, f"orchestration {self.id()} to be ready", timeout)

    def run_once(
        self,
        name: str | None = None,
        json_args: dict[Any, Any] | None = None,
        timeout: int | None = None,
        debug: bool | None = False,
        *,
        attempts: int = 1,
        backoff: float = 1.0,
        mode: str | None = None,
        grace: float | None = None,
    ) -> Task:
        """A task with one run; `timeout` of the run is in seconds.

        `mode` exec starts its runs in new interpreters, fork from a warm one; None is as the
        platform is set up. `grace` is how many seconds a run that is killed or timed out gets to
        end by itself; None is the platform's default. So for all kinds of tasks.

        A run that fails or times out is tried `attempts` times in all, with a pause of `backoff`
        seconds that doubles. OrchestrationDeployOneshotFailed says what it is refused for.
        """
        retry = {"attempts": attempts, "backoff": backoff}
        order: dict[str, Any] = {"name": name, "timeout": timeout, "debug": debug, "retry": retry}
        order |= {"mode": mode, "grace": grace}
        return self._run("run_once", json_args, order)

    def run_scheduled(
        self,
        name: str,
        schedule: str | set[str],
        json_args: dict[Any, Any] | None = None,
        timeout: int | None = None,
        debug: bool | None = False,
        *,
        zone: str = "UTC",
        misfire: str = "latest",
        overlap: str = "allow",
        mode: str | None = None,
        grace: float | None = None,
    ) -> Task:
        """A task with a run at every tick of `schedule`, a cron expression in the IANA `zone`.

        `misfire` says what becomes of ticks that nobody could fire in time (latest, all, none),
        `overlap` what a tick does while an earlier run is still open (allow, skip, queue).
        A set of one expression, as tutorials write it, is that expression; ValueError of others.
        `upcoming()` of the task has its next five instants.
        """
        if isinstance(schedule, set):
            (schedule,) = schedule
        order: dict[str, Any] = {"name": name, "schedule": schedule, "timeout": timeout}
        order |= {"debug": debug, "zone": zone, "misfire": misfire, "overlap": overlap}
        order |= {"mode": mode, "grace": grace}
        return self._run("run_scheduled", json_args, order)

    def run_continuously(
        self,
        name: str,
        json_args: dict[Any, Any] | None = None,
        debug: bool | None = False,
        *,
        timeout: int | None = None,
        mode: str | None = None,
        grace: float | None = None,
    ) -> Task:
        """A task with one run after the other until it is killed."""
        order = {"name": name, "debug": debug, "timeout": timeout, "mode": mode, "grace": grace}
        return self._run("run_continuously", json_args, order)

    def list_tasks(self) -> Table[Task]:
        """Its tasks, save the killed ones, newest first."""
        asked = {"orch_id": self.id(), "workspace_id": self.workspace_id()}
        found = self._client.session.read("task/list", asked)
        tasks = [self._client.task_of(data) for data in found]
        return Table(tasks, "tasks")

    def _run(self, how: str, arguments: dict[Any, Any] | None, order: dict[str, Any]) -> Task:
        order |= {"orch_id": self.id(), "workspace_id": self.workspace_id()}
        order["json"] = arguments or {}
        try:
            answer = self._client.session.creation(f"task/{how}", order)
        except RequestRefused as refused:
            raise OrchestrationDeployOneshotFailed(
                refused.message, refused.code, refused.status
            ) from refused
        task = self._client.session.created("task/get_by_id", {"id": answer["id"]})
        return self._client.task_of({**answer, **task})

    def _refreshed(self, patience: float) -> dict[str, Any]:
        asked = {"id": self.id()}
        found = self._client.session.read("orchestration/get_by_id", asked, patience)
        self._data.update(found)
        return self._data
