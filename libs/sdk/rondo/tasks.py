# Made from aio/tasks.py by generate.py: change that one, then run this.
"""The part of a client that finds tasks, and that a task asks about itself."""

from __future__ import annotations

from typing import Any

from rondo.html import Table
from rondo.task import Task
from rondo.task_environment import in_task, task_args
from rondo.workspaces import Workspaces


class Tasks(Workspaces):
    """Tasks."""

    def list_tasks(
        self,
        killed: bool = False,
        workspace_id: int | None = None,
        workspace_name: str | None = None,
    ) -> Table[Task]:
        """The tasks of one workspace, or all that you may see; newest first.

        With `killed` only the killed ones, else all others. Raises EntityNotFoundError when there
        is no workspace of that name.
        """
        id = self._workspace_filter(workspace_id, workspace_name)
        tasks = self.session.read("task/list", {"killed": killed, "workspace_id": id})
        return Table([self.task_of(data) for data in tasks], "tasks")

    def get_task_by_id(self, task_id: str) -> Task:
        """The task with that id.

        Raises EntityNotFoundError when there is none, or when you may not see it.
        """
        return self.task_of(self.session.read("task/get_by_id", {"id": task_id}))

    def task_of(self, data: dict[str, Any]) -> Task:
        """The task that the platform describes by `data`."""
        return Task(self, self._with_workspace_name(data))

    def in_task(self) -> bool:
        """Whether this program runs as a task of the platform."""
        return in_task()

    def task_args(self) -> dict[Any, Any]:
        """The arguments that this task was started with.

        Raises FileNotFoundError outside of tasks.
        """
        return task_args()
