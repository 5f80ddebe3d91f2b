# Made from aio/tasks.py by generate.py: change that one, then run this.
"""The part of a client that is about tasks, and about being one."""

from __future__ import annotations

from typing import Any

from rondo.html import Table
from rondo.task import Task
from rondo.task_environment import in_task, task_args
from rondo.workspaces import Workspaces


class Tasks(Workspaces):
    def list_tasks(
        self,
        killed: bool = False,
        workspace_id: int | None = None,
        workspace_name: str | None = None,
    ) -> Table[Task]:
        """Of one workspace, or of all that you may see; newest first. The killed ones, or the
        others."""
        id = self._filter(workspace_id, workspace_name)
        found = self.session.read("task/list", {"killed": killed, "workspace_id": id})
        return Table([self.task_of(data) for data in found], "tasks")

    def get_task_by_id(self, task_id: str) -> Task:
        """EntityNotFoundError."""
        return self.task_of(self.session.read("task/get_by_id", {"id": task_id}))

    def task_of(self, data: dict[str, Any]) -> Task:
        """From the platform's description of it."""
        return Task(self, self._with_name(data))

    def in_task(self) -> bool:
        """Whether this runs as a task of the platform."""
        return in_task()

    def task_args(self) -> dict[Any, Any]:
        """The arguments that this task was started with. FileNotFoundError outside of tasks."""
        return task_args()
