# Made from aio/workspaces.py by generate.py: change that one, then run this.
"""The part of a client that is about workspaces: which there are, which is current, their names."""

from __future__ import annotations

import os
from typing import Any

from rondo.connections import Connections
from rondo.errors import Conflict, EntityNotFoundError
from rondo.html import Table
from rondo.workspace import Workspace


class Workspaces(Connections):
    def __init__(self) -> None:
        self._workspace: Workspace | None = None
        self._names: dict[int, str] = {}

    def list_workspaces(self) -> Table[Workspace]:
        """Those you are a member of; all of them for an administrator."""
        found = (self.session.read("workspaces/list", {}))["workspaces"]
        self._names |= {data["id"]: data["name"] for data in found}
        return Table((Workspace(self, data) for data in found), "workspaces")

    def get_workspace(self, name: str, create_if_not_exist: bool | None = False) -> Workspace:
        """EntityNotFoundError when it does not exist and is not to be created."""
        found = self._workspace_named(name)
        if found is None and create_if_not_exist:
            try:
                return self.create_workspace(name)
            except Conflict:  # somebody else was faster
                found = self._workspace_named(name)
        if found is None:
            raise _no_workspace("name", name)
        return found

    def create_workspace(self, workspace_name: str) -> Workspace:
        """Conflict when the name is taken."""
        order = {"workspace_name": workspace_name}
        id = int(self.session.create("workspaces/create", order, "workspace_id"))
        return self._workspace_numbered(id)

    def set_current_workspace(self, workspace: Workspace) -> Workspace:
        """Where uploads of this client go from now on."""
        if not isinstance(workspace, Workspace):
            raise TypeError(f"workspace: expected a Workspace, got {type(workspace).__name__}")
        self._workspace = workspace
        return workspace

    def get_current_workspace(self) -> Workspace:
        """The one that was set; else the task's own; else your default one, or the only one of a
        service token. ValueError when such a token has several."""
        if self._workspace is None:
            task = os.environ.get("WALLAROO_TASK_ID")
            self._workspace = self._workspace_of(task) if task else self._default()
        return self._workspace

    def _workspace_numbered(self, id: int) -> Workspace:
        for workspace in self.list_workspaces():
            if workspace.id() == id:
                return workspace
        raise _no_workspace("id", id)

    def _workspace_of(self, task: str) -> Workspace:
        found = self.session.read("task/get_by_id", {"id": task})
        return self._workspace_numbered(int(found["workspace_id"]))

    def _default(self) -> Workspace:
        email = self.session.auth.user_email()
        if not email:  # a service token tells of nobody
            return self._only()
        return self.get_workspace(f"{email} - Default Workspace", create_if_not_exist=True)

    def _only(self) -> Workspace:
        found = self.list_workspaces()
        if len(found) != 1:
            raise ValueError("workspace: your token has several; use set_current_workspace")
        return found[0]

    def _workspace_named(self, name: str) -> Workspace | None:
        found = (one for one in self.list_workspaces() if one.name() == name)
        return next(found, None)

    def _filter(self, id: int | None, name: str | None) -> int | None:
        """The number that either of them means; types are checked before anything is asked for."""
        if id is not None and (not isinstance(id, int) or isinstance(id, bool)):
            raise TypeError("workspace_id: Workspace ID must be an integer.")
        if name is None:
            return id
        if not isinstance(name, str):
            raise TypeError("workspace_name: Workspace name must be a string.")
        found = (self.get_workspace(name)).id()
        if id not in (None, found):
            raise ValueError(f"workspace_id, workspace_name: {name!r} is number {found}, not {id}")
        return found

    def _with_name(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["workspace_id"] not in self._names:
            self.list_workspaces()
        return {**data, "workspace_name": self._names.get(data["workspace_id"], "")}


def _no_workspace(field: str, value: object) -> EntityNotFoundError:
    return EntityNotFoundError(f"{field}: there is no workspace {value!r}", "not_found", 404)
