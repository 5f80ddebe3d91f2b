"""What a run is to be: from its task and orchestration, and what is set for all runs."""

from uuid import UUID, uuid4

import msgspec

from libs.domain.orchestration import Orchestration
from libs.domain.task import GRACE, Task
from services.executor.backend import Mode, RunSpec
from services.executor.owner_lookup import Owners
from services.executor.task_cache import TaskCache


class Settings(msgspec.Struct, frozen=True):
    """`variables` are set for every task; `stop_grace` seconds is what runs get at our own end."""

    executor: str
    slots: int
    variables: dict[str, str]
    mode: Mode = "fork"
    stop_grace: float = 1.0


class RunSpecs:
    """Both raise as `load`."""

    def __init__(self, settings: Settings, tasks: TaskCache, owners: Owners) -> None:
        self._settings = settings
        self._tasks = tasks
        self._owners = owners

    async def of_run(self, task: Task, run: UUID, slot: int) -> RunSpec:
        """With the login of the task's owner."""
        orchestration = await self._tasks.orchestration(task.workspace, task.orchestration)
        spec = self._of(orchestration, run, slot)
        return msgspec.structs.replace(
            spec,
            task_id=task.id,
            arguments=msgspec.json.encode(task.arguments),
            files=await self._owners.login(task, run),
            timeout=task.timeout,
            grace=GRACE if task.grace is None else task.grace,
            mode=task.mode if self._settings.mode == "fork" and task.mode else spec.mode,
        )

    async def of_any_run(self, workspace: int, orchestration: UUID) -> RunSpec:
        """Of a run that will never be, to get ready for others."""
        return self._of(await self._tasks.orchestration(workspace, orchestration), uuid4(), slot=0)

    def _of(self, orchestration: Orchestration, run: UUID, slot: int) -> RunSpec:
        return RunSpec(
            run_id=run,
            task_id=run,
            slot=slot,
            environment=orchestration.environment,
            code=orchestration.blob,
            entrypoint=orchestration.entrypoint,
            variables={**self._settings.variables, "RONDO_RUN_ID": str(run)},
            mode=self._settings.mode,
        )
