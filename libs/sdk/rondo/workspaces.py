# Made from aio/workspaces.py by generate.py: change that one, then run this.
"""The part of a client that finds workspaces, and knows which one is current."""

from __future__ import annotations

import os
from typing import Any

from rondo.connections import Connections
from rondo.errors import Conflict, EntityNotFoundError
from rondo.html import Table
from rondo.workspace import Workspace


class Workspaces(Connections):
    """Workspaces, and the one that uploads go to."""

    def __init__(self) -> None:
        self._workspace: Workspace | None = None
        self._names: dict[int, str] = {}

    def list_workspaces(self) -> Table[Workspace]:
        """The workspaces that you are a member of, or all if you are an administrator."""
        workspaces = (self.session.read("workspaces/list", {}))["workspaces"]
        self._names |= {data["id"]: data["name"] for data in workspaces}
        return Table((Workspace(self, data) for data in workspaces), "workspaces")

    def get_workspace(self, name: str, create_if_not_exist: bool | None = False) -> Workspace:
        """The workspace with that name; with `create_if_not_exist` it is created if need be.

        Raises EntityNotFoundError when there is none and it is not to be created.
        """
        workspace = self._by_name(name)
        if workspace is None and create_if_not_exist:
            try:
                return self.create_workspace(name)
            except Conflict:  # somebody else was faster
                workspace = self._by_name(name)
        if workspace is None:
            raise _no_workspace("name", name)
        return workspace

    def create_workspace(self, workspace_name: str) -> Workspace:
        """Create a workspace, with you as its owner.

        Raises Conflict when the name is taken.
        """
        body = {"workspace_name": workspace_name}
        id = int(self.session.create("workspaces/create", body, "workspace_id"))
        return self._by_id(id)

    def set_current_workspace(self, workspace: Workspace) -> Workspace:
        """Choose where uploads of this client go from now on, and return that workspace.

        Raises TypeError when it is no workspace.
        """
        if not isinstance(workspace, Workspace):
            raise TypeError(f"workspace: expected a Workspace, got {type(workspace).__name__}")
        self._workspace = workspace
        return workspace

    def get_current_workspace(self) -> Workspace:
        """The workspace that uploads of this client go to.

        It is the one that was set; in a task that of the task; else your default one, or the only
        one of a service token. Raises ValueError when such a token has several.
        """
        if self._workspace is None:
            task_id = os.environ.get("WALLAROO_TASK_ID")
            self._workspace = self._of_task(task_id) if task_id else self._default()
        return self._workspace

    def _by_id(self, id: int) -> Workspace:
        for workspace in self.list_workspaces():
            if workspace.id() == id:
                return workspace
        raise _no_workspace("id", id)

    def _of_task(self, task_id: str) -> Workspace:
        task = self.session.read("task/get_by_id", {"id": task_id})
        return self._by_id(int(task["workspace_id"]))

    def _default(self) -> Workspace:
        email = self.session.auth.user_email()
        if not email:  # a service token names no user
            return self._only()
        return self.get_workspace(f"{email} - Default Workspace", create_if_not_exist=True)

    def _only(self) -> Workspace:
        workspaces = self.list_workspaces()
        if len(workspaces) != 1:
            raise ValueError("workspace: your token has several; use set_current_workspace")
        return workspaces[0]

    def _by_name(self, name: str) -> Workspace | None:
        matches = (one for one in self.list_workspaces() if one.name() == name)
        return next(matches, None)

    def _workspace_filter(self, id: int | None, name: str | None) -> int | None:
        """The id that either of them means; types are checked before anything is sent."""
        if id is not None and (not isinstance(id, int) or isinstance(id, bool)):
            raise TypeError("workspace_id: Workspace ID must be an integer.")
        if name is None:
            return id
        if not isinstance(name, str):
            raise TypeError("workspace_name: Workspace name must be a string.")
        number = (self.get_workspace(name)).id()
        if id not in (None, number):
            raise ValueError(f"workspace_id, workspace_name: {name!r} is number {number}, not {id}")
        return number

    def _with_workspace_name(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["workspace_id"] not in self._names:
            self.list_workspaces()
        return {**data, "workspace_name": self._names.get(data["workspace_id"], "")}


def _no_workspace(field: str, value: object) -> EntityNotFoundError:
    return EntityNotFoundError(f"{field}: there is no workspace {value!r}", "not_found", 404)
