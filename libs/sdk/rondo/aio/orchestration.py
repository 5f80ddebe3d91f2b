"""An orchestration: an uploaded archive of Python, and the ways to run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.aio.polling import until
from rondo.aio.session import CALL_PATIENCE_SECONDS, WAIT_PATIENCE_SECONDS
from rondo.aio.task import AsyncTask
from rondo.errors import (
    OrchestrationDeployOneshotFailed,
    OrchestrationPackagingFailed,
    RequestRefused,
)
from rondo.html import Table
from rondo.progress import Spinner
from rondo.records import OrchestrationRecord

if TYPE_CHECKING:
    from rondo.aio.tasks import AsyncTasks


class AsyncOrchestration(OrchestrationRecord):
    """An uploaded archive. Once it is ready, it can be run.

    These arguments mean the same for all three ways to run it:
    - `name` names the task; `json_args` are its arguments, as JSON.
    - `timeout` is how many seconds a run may take; with None it may take any time.
    - `mode` is `fork` to start runs from a warm interpreter, `exec` to start each in a new one;
      None is as the platform is set up.
    - `grace` is how many seconds a run gets to end by itself when it is killed or timed out; None
      is the platform's default.
    - `debug` is accepted for older scripts.
    """

    def __init__(self, client: AsyncTasks, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def status(self) -> str:
        """Its status now: `pending_packaging`, `packaging`, then `ready` or `error`."""
        return str((await self._refresh(CALL_PATIENCE_SECONDS))["status"])

    async def reason(self) -> str:
        """Why its status is `error`, or "" when it is not."""
        return str((await self._refresh(CALL_PATIENCE_SECONDS)).get("reason", ""))

    async def wait(self, timeout: float | None = None) -> AsyncOrchestration:
        """Wait until it is ready, and return itself. A terminal shows the progress.

        Raises TimeoutError after `timeout` seconds, OrchestrationPackagingFailed with the reason
        when it will never be ready.
        """
        with Spinner(f"packaging {self.file_name()}") as spinner:

            async def ready() -> AsyncOrchestration | None:
                data = await self._refresh(WAIT_PATIENCE_SECONDS)
                spinner.turn(data["status"])
                if data["status"] == "error":
                    raise OrchestrationPackagingFailed(data["reason"], "packaging_failed")
                return self if data["status"] == "ready" else None

            return await until(ready, f"orchestration {self.id()} to be ready", timeout)

    async def run_once(
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
    ) -> AsyncTask:
        """Create a task that runs once.

        `attempts` is how often a run that fails or times out is tried in all. The pause between
        two tries is `backoff` seconds, and doubles each time. Raises
        OrchestrationDeployOneshotFailed when the platform refuses the task.
        """
        retry = {"attempts": attempts, "backoff": backoff}
        body: dict[str, Any] = {"name": name, "timeout": timeout, "debug": debug, "retry": retry}
        body |= {"mode": mode, "grace": grace}
        return await self._create_task("run_once", json_args, body)

    async def run_scheduled(
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
    ) -> AsyncTask:
        """Create a task that runs at every tick of `schedule`.

        - `schedule` is a cron expression. A set of one expression works too.
        - `zone` is an IANA time zone, such as `Europe/Berlin`.
        - `misfire` says what becomes of ticks that could not be fired in time: `latest`, `all` or
          `none` of them are run.
        - `overlap` says what a tick does while an earlier run is still open: `allow` starts another
          run, `skip` none, `queue` one afterwards.

        The task's `upcoming()` has its next five instants. Raises ValueError for a set of several
        expressions, OrchestrationDeployOneshotFailed when the platform refuses the task.
        """
        if isinstance(schedule, set):
            (schedule,) = schedule
        body: dict[str, Any] = {"name": name, "schedule": schedule, "timeout": timeout}
        body |= {"debug": debug, "zone": zone, "misfire": misfire, "overlap": overlap}
        body |= {"mode": mode, "grace": grace}
        return await self._create_task("run_scheduled", json_args, body)

    async def run_continuously(
        self,
        name: str,
        json_args: dict[Any, Any] | None = None,
        debug: bool | None = False,
        *,
        timeout: int | None = None,
        mode: str | None = None,
        grace: float | None = None,
    ) -> AsyncTask:
        """Create a task that runs again and again until it is killed.

        Raises OrchestrationDeployOneshotFailed when the platform refuses the task.
        """
        body = {"name": name, "debug": debug, "timeout": timeout, "mode": mode, "grace": grace}
        return await self._create_task("run_continuously", json_args, body)

    async def list_tasks(self) -> Table[AsyncTask]:
        """Its tasks without the killed ones, newest first."""
        body = {"orch_id": self.id(), "workspace_id": self.workspace_id()}
        items = await self._client.session.read("task/list", body)
        tasks = [await self._client.task_of(data) for data in items]
        return Table(tasks, "tasks")

    async def _create_task(
        self, how: str, arguments: dict[Any, Any] | None, body: dict[str, Any]
    ) -> AsyncTask:
        body |= {"orch_id": self.id(), "workspace_id": self.workspace_id()}
        body["json"] = arguments or {}
        try:
            answer = await self._client.session.create_fully(f"task/{how}", body)
        except RequestRefused as refused:
            raise OrchestrationDeployOneshotFailed(
                refused.message, refused.code, refused.status
            ) from refused
        data = await self._client.session.read_new("task/get_by_id", {"id": answer["id"]})
        return await self._client.task_of({**answer, **data})

    async def _refresh(self, patience: float) -> dict[str, Any]:
        body = {"id": self.id()}
        data = await self._client.session.read("orchestration/get_by_id", body, patience)
        self._data.update(data)
        return self._data
