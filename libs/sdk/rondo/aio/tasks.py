"""The part of a client that finds tasks, and that a task asks about itself."""

from __future__ import annotations

from typing import Any

from rondo.aio.task import AsyncTask
from rondo.aio.workspaces import AsyncWorkspaces
from rondo.html import Table
from rondo.task_environment import in_task, task_args


class AsyncTasks(AsyncWorkspaces):
    """Tasks."""

    async def list_tasks(
        self,
        killed: bool = False,
        workspace_id: int | None = None,
        workspace_name: str | None = None,
    ) -> Table[AsyncTask]:
        """The tasks of one workspace, or all that you may see; newest first.

        With `killed` only the killed ones, else all others. Raises EntityNotFoundError when there
        is no workspace of that name.
        """
        id = await self._workspace_filter(workspace_id, workspace_name)
        tasks = await self.session.read("task/list", {"killed": killed, "workspace_id": id})
        return Table([await self.task_of(data) for data in tasks], "tasks")

    async def get_task_by_id(self, task_id: str) -> AsyncTask:
        """The task with that id.

        Raises EntityNotFoundError when there is none, or when you may not see it.
        """
        return await self.task_of(await self.session.read("task/get_by_id", {"id": task_id}))

    async def task_of(self, data: dict[str, Any]) -> AsyncTask:
        """The task that the platform describes by `data`."""
        return AsyncTask(self, await self._with_workspace_name(data))

    def in_task(self) -> bool:
        """Whether this program runs as a task of the platform."""
        return in_task()

    def task_args(self) -> dict[Any, Any]:
        """The arguments that this task was started with.

        Raises FileNotFoundError outside of tasks.
        """
        return task_args()
