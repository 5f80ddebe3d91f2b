"""The part of a client that finds workspaces, and knows which one is current."""

from __future__ import annotations

import os
from typing import Any

from rondo.aio.connections import AsyncConnections
from rondo.aio.workspace import AsyncWorkspace
from rondo.errors import Conflict, EntityNotFoundError
from rondo.html import Table


class AsyncWorkspaces(AsyncConnections):
    """Workspaces, and the one that uploads go to."""

    def __init__(self) -> None:
        self._workspace: AsyncWorkspace | None = None
        self._names: dict[int, str] = {}

    async def list_workspaces(self) -> Table[AsyncWorkspace]:
        """The workspaces that you are a member of, or all if you are an administrator."""
        workspaces = (await self.session.read("workspaces/list", {}))["workspaces"]
        self._names |= {data["id"]: data["name"] for data in workspaces}
        return Table((AsyncWorkspace(self, data) for data in workspaces), "workspaces")

    async def get_workspace(
        self, name: str, create_if_not_exist: bool | None = False
    ) -> AsyncWorkspace:
        """The workspace with that name; with `create_if_not_exist` it is created if need be.

        Raises EntityNotFoundError when there is none and it is not to be created.
        """
        workspace = await self._by_name(name)
        if workspace is None and create_if_not_exist:
            try:
                return await self.create_workspace(name)
            except Conflict:  # somebody else was faster
                workspace = await self._by_name(name)
        if workspace is None:
            raise _no_workspace("name", name)
        return workspace

    async def create_workspace(self, workspace_name: str) -> AsyncWorkspace:
        """Create a workspace, with you as its owner.

        Raises Conflict when the name is taken.
        """
        body = {"workspace_name": workspace_name}
        id = int(await self.session.create("workspaces/create", body, "workspace_id"))
        return await self._by_id(id)

    def set_current_workspace(self, workspace: AsyncWorkspace) -> AsyncWorkspace:
        """Choose where uploads of this client go from now on, and return that workspace.

        Raises TypeError when it is no workspace.
        """
        if not isinstance(workspace, AsyncWorkspace):
            raise TypeError(f"workspace: expected a Workspace, got {type(workspace).__name__}")
        self._workspace = workspace
        return workspace

    async def get_current_workspace(self) -> AsyncWorkspace:
        """The workspace that uploads of this client go to.

        It is the one that was set; in a task that of the task; else your default one, or the only
        one of a service token. Raises ValueError when such a token has several.
        """
        if self._workspace is None:
            task_id = os.environ.get("WALLAROO_TASK_ID")
            self._workspace = await (self._of_task(task_id) if task_id else self._default())
        return self._workspace

    async def _by_id(self, id: int) -> AsyncWorkspace:
        for workspace in await self.list_workspaces():
            if workspace.id() == id:
                return workspace
        raise _no_workspace("id", id)

    async def _of_task(self, task_id: str) -> AsyncWorkspace:
        task = await self.session.read("task/get_by_id", {"id": task_id})
        return await self._by_id(int(task["workspace_id"]))

    async def _default(self) -> AsyncWorkspace:
        email = await self.session.auth.user_email()
        if not email:  # a service token names no user
            return await self._only()
        return await self.get_workspace(f"{email} - Default Workspace", create_if_not_exist=True)

    async def _only(self) -> AsyncWorkspace:
        workspaces = await self.list_workspaces()
        if len(workspaces) != 1:
            raise ValueError("workspace: your token has several; use set_current_workspace")
        return workspaces[0]

    async def _by_name(self, name: str) -> AsyncWorkspace | None:
        matches = (one for one in await self.list_workspaces() if one.name() == name)
        return next(matches, None)

    async def _workspace_filter(self, id: int | None, name: str | None) -> int | None:
        """The id that either of them means; types are checked before anything is sent."""
        if id is not None and (not isinstance(id, int) or isinstance(id, bool)):
            raise TypeError("workspace_id: Workspace ID must be an integer.")
        if name is None:
            return id
        if not isinstance(name, str):
            raise TypeError("workspace_name: Workspace name must be a string.")
        number = (await self.get_workspace(name)).id()
        if id not in (None, number):
            raise ValueError(f"workspace_id, workspace_name: {name!r} is number {number}, not {id}")
        return number

    async def _with_workspace_name(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["workspace_id"] not in self._names:
            await self.list_workspaces()
        return {**data, "workspace_name": self._names.get(data["workspace_id"], "")}


def _no_workspace(field: str, value: object) -> EntityNotFoundError:
    return EntityNotFoundError(f"{field}: there is no workspace {value!r}", "not_found", 404)
