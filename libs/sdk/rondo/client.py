# Made from aio/client.py by generate.py: change that one, then run this.
"""The client: everything begins here."""

from __future__ import annotations

import os
from typing import Any

from rondo import credentials, wire
from rondo.accounts import Accounts
from rondo.archive import packed
from rondo.auth import Auth
from rondo.connection import Connection
from rondo.errors import (
    Conflict,
    ConnectionNotFound,
    EntityNotFoundError,
    OrchestrationMissingFile,
    OrchestrationUploadFailed,
    RequestRefused,
)
from rondo.html import Table
from rondo.models import TIME_FORMAT
from rondo.multipart import Upload
from rondo.orchestration import Orchestration
from rondo.progress import Bar
from rondo.session import Session
from rondo.task import Task
from rondo.task_environment import in_task, task_args
from rondo.workspace import Workspace

_TIMEOUT = 60.0  # s


class Client(Accounts):
    """A user's way to a platform. It logs in when it is first used.

    Without arguments the address and the login come from the environment, or from the last
    `rondo login`; in a task they are the task's own. ValueError when something is missing.

    `request_timeout` is in seconds, for each wait on the platform; by default
    WALLAROO_REQUEST_TIMEOUT, or 60. `time_format` is for the tables and cards of notebooks.
    `login` overrides every other way to log in. `gql_client`, `interactive` and `config` are there
    for scripts that give them; nothing of ours needs them.
    """

    def __init__(
        self,
        api_endpoint: str | None = None,
        request_timeout: float | None = None,
        auth_type: str | None = None,
        gql_client: object = None,
        interactive: bool | None = None,
        time_format: str = TIME_FORMAT,
        config: object = None,
        *,
        login: credentials.Password | credentials.Tokens | None = None,
    ) -> None:
        self.api_endpoint = credentials.url(api_endpoint)
        self.time_format = time_format
        timeout = request_timeout or float(os.environ.get("WALLAROO_REQUEST_TIMEOUT") or _TIMEOUT)
        endpoint = wire.Endpoint.of(self.api_endpoint)
        found = credentials.given(login) or credentials.find(auth_type, self.api_endpoint)
        self.session = Session(endpoint, timeout, found)
        self._workspace: Workspace | None = None
        self._names: dict[int, str] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.api_endpoint}>"

    @property
    def auth(self) -> Auth:
        """For requests of your own: `auth.auth_header()`."""
        return self.session.auth

    # Workspaces

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
        id = (self.get_task_by_id(task)).workspace_id()
        return self._workspace_numbered(id)

    def _default(self) -> Workspace:
        email = self.auth.user_email()
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

    # Orchestrations

    def upload_orchestration(
        self,
        bytes_buffer: bytes | None = None,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        file_name: str | None = None,
    ) -> Orchestration:
        """A ZIP with a main.py and at most one requirements.txt: the file or folder at `path`, or
        bytes. It is packaged in the background: see `wait`.

        OrchestrationUploadFailed tells what it is refused for. A folder is zipped without what its
        .gitignore files name. `file_name` is by default that of `path`, or `_` for bytes.
        """
        if path is None and bytes_buffer is None:
            raise OrchestrationMissingFile("give path, or bytes_buffer and file_name", "no_file")
        if path is not None and bytes_buffer is not None:
            raise ValueError("path, bytes_buffer: give one of them, not both")
        workspace = self.get_current_workspace()
        metadata = {"workspace_id": workspace.id(), "name": name}
        with packed(path if bytes_buffer is None else bytes_buffer) as archive:
            shown = file_name or archive.name
            with Bar(f"uploading {shown}", archive.size) as bar:
                upload = Upload(archive.open, archive.size, shown, metadata, bar.move)
                id = self._uploaded(upload)
        return self._orchestration_of(self.session.created("orchestration/get_by_id", {"id": id}))

    def get_orchestration(self, id: str) -> Orchestration:
        """EntityNotFoundError."""
        return self._orchestration_of(self.session.read("orchestration/get_by_id", {"id": id}))

    def list_orchestrations(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[Orchestration]:
        """Of one workspace, or of all that you may see; oldest first."""
        id = self._filter(workspace_id, workspace_name)
        asked = {"workspace_ids": [] if id is None else [id], "task_run_status": []}
        items = (self.session.read("orchestration/list_all", asked))["orchestrations"]
        return Table((self._orchestration_in(item) for item in items), "orchestrations")

    def _uploaded(self, upload: Upload) -> str:
        try:
            return self.session.upload("orchestration/upload", upload)
        except RequestRefused as refused:
            raise OrchestrationUploadFailed(
                refused.message, refused.code, refused.status
            ) from refused

    def _orchestration_in(self, item: dict[str, Any]) -> Orchestration:
        data = {**item["orchestration"], "workspace_name": item["workspace"]["name"]}
        return Orchestration(self, data)

    def _orchestration_of(self, data: dict[str, Any]) -> Orchestration:
        return Orchestration(self, self._with_name(data))

    # Tasks

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

    # Connections

    def list_connections(self) -> Table[Connection]:
        """Without their details."""
        return self.connections_of(None)

    def get_connection(self, name: str) -> Connection:
        """ConnectionNotFound."""
        try:
            return Connection(self, self.session.read("connections/get", {"name": name}))
        except EntityNotFoundError as missing:
            raise ConnectionNotFound(missing.message, missing.code, missing.status) from missing

    def create_connection(
        self, name: str, connection_type: str, details: dict[str, Any]
    ) -> Connection:
        """`details` are kept encrypted. Conflict when the name is taken."""
        order = {"name": name, "type": connection_type, "details": details}
        id = self.session.create("connections/create", order)
        return Connection(self, self.session.created("connections/get_by_id", {"id": id}))

    def connections_of(self, workspace_id: int | None) -> Table[Connection]:
        asked = {} if workspace_id is None else {"workspace_id": workspace_id}
        found = (self.session.read("connections/list", asked))["connections"]
        return Table((Connection(self, data) for data in found), "connections")

    # Names and numbers of workspaces

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
