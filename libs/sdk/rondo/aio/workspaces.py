"""The part of a client that is about workspaces: which there are, which is current, their names."""

from __future__ import annotations

import os
from typing import Any

from rondo.aio.connections import AsyncConnections
from rondo.aio.workspace import AsyncWorkspace
from rondo.errors import Conflict, EntityNotFoundError
from rondo.html import Table


class AsyncWorkspaces(AsyncConnections):
    def __init__(self) -> None:
        self._workspace: AsyncWorkspace | None = None
        self._names: dict[int, str] = {}

    async def list_workspaces(self) -> Table[AsyncWorkspace]:
        """Those you are a member of; all of them for an administrator."""
        found = (await self.session.read("workspaces/list", {}))["workspaces"]
        self._names |= {data["id"]: data["name"] for data in found}
        return Table((AsyncWorkspace(self, data) for data in found), "workspaces")

    async def get_workspace(
        self, name: str, create_if_not_exist: bool | None = False
    ) -> AsyncWorkspace:
        """EntityNotFoundError when it does not exist and is not to be created."""
        found = await self._workspace_named(name)
        if found is None and create_if_not_exist:
            try:
                return await self.create_workspace(name)
            except Conflict:  # somebody else was faster
                found = await self._workspace_named(name)
        if found is None:
            raise _no_workspace("name", name)
        return found

    async def create_workspace(self, workspace_name: str) -> AsyncWorkspace:
        """Conflict when the name is taken."""
        order = {"workspace_name": workspace_name}
        id = int(await self.session.create("workspaces/create", order, "workspace_id"))
        return await self._workspace_numbered(id)

    def set_current_workspace(self, workspace: AsyncWorkspace) -> AsyncWorkspace:
        """Where uploads of this client go from now on."""
        if not isinstance(workspace, AsyncWorkspace):
            raise TypeError(f"workspace: expected a Workspace, got {type(workspace).__name__}")
        self._workspace = workspace
        return workspace

    async def get_current_workspace(self) -> AsyncWorkspace:
        """The one that was set; else the task's own; else your default one, or the only one of a
        service token. ValueError when such a token has several."""
        if self._workspace is None:
            task = os.environ.get("WALLAROO_TASK_ID")
            self._workspace = await (self._workspace_of(task) if task else self._default())
        return self._workspace

    async def _workspace_numbered(self, id: int) -> AsyncWorkspace:
        for workspace in await self.list_workspaces():
            if workspace.id() == id:
                return workspace
        raise _no_workspace("id", id)

    async def _workspace_of(self, task: str) -> AsyncWorkspace:
        found = await self.session.read("task/get_by_id", {"id": task})
        return await self._workspace_numbered(int(found["workspace_id"]))

    async def _default(self) -> AsyncWorkspace:
        email = await self.session.auth.user_email()
        if not email:  # a service token tells of nobody
            return await self._only()
        return await self.get_workspace(f"{email} - Default Workspace", create_if_not_exist=True)

    async def _only(self) -> AsyncWorkspace:
        found = await self.list_workspaces()
        if len(found) != 1:
            raise ValueError("workspace: your token has several; use set_current_workspace")
        return found[0]

    async def _workspace_named(self, name: str) -> AsyncWorkspace | None:
        found = (one for one in await self.list_workspaces() if one.name() == name)
        return next(found, None)

    async def _filter(self, id: int | None, name: str | None) -> int | None:
        """The number that either of them means; types are checked before anything is asked for."""
        if id is not None and (not isinstance(id, int) or isinstance(id, bool)):
            raise TypeError("workspace_id: Workspace ID must be an integer.")
        if name is None:
            return id
        if not isinstance(name, str):
            raise TypeError("workspace_name: Workspace name must be a string.")
        found = (await self.get_workspace(name)).id()
        if id not in (None, found):
            raise ValueError(f"workspace_id, workspace_name: {name!r} is number {found}, not {id}")
        return found

    async def _with_name(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["workspace_id"] not in self._names:
            await self.list_workspaces()
        return {**data, "workspace_name": self._names.get(data["workspace_id"], "")}


def _no_workspace(field: str, value: object) -> EntityNotFoundError:
    return EntityNotFoundError(f"{field}: there is no workspace {value!r}", "not_found", 404)
