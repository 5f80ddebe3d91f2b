"""The part of a client that is about tasks, and about being one."""

from __future__ import annotations

from typing import Any

from rondo.aio.task import AsyncTask
from rondo.aio.workspaces import AsyncWorkspaces
from rondo.html import Table
from rondo.task_environment import in_task, task_args


class AsyncTasks(AsyncWorkspaces):
    async def list_tasks(
        self,
        killed: bool = False,
        workspace_id: int | None = None,
        workspace_name: str | None = None,
    ) -> Table[AsyncTask]:
        """Of one workspace, or of all that you may see; newest first. The killed ones, or the
        others."""
        id = await self._filter(workspace_id, workspace_name)
        found = await self.session.read("task/list", {"killed": killed, "workspace_id": id})
        return Table([await self.task_of(data) for data in found], "tasks")

    async def get_task_by_id(self, task_id: str) -> AsyncTask:
        """EntityNotFoundError."""
        return await self.task_of(await self.session.read("task/get_by_id", {"id": task_id}))

    async def task_of(self, data: dict[str, Any]) -> AsyncTask:
        """From the platform's description of it."""
        return AsyncTask(self, await self._with_name(data))

    def in_task(self) -> bool:
        """Whether this runs as a task of the platform."""
        return in_task()

    def task_args(self) -> dict[Any, Any]:
        """The arguments that this task was started with. FileNotFoundError outside of tasks."""
        return task_args()
