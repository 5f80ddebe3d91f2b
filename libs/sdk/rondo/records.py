"""The data of the SDK's objects, as the platform sent it; nothing here sends a request."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from rondo import html
from rondo.instants import TIME_FORMAT, parse_instant

END_STATUSES = frozenset({"success", "failure", "timed_out", "killed"})  # of a run, for good

_RUN_TYPES = {
    "Oneshot": "Temporary Run",
    "CronJob": "Scheduled Run",
    "NetworkService": "Continuous Run",
}


class TaskStatus(str, Enum):  # StrEnum came with Python 3.11
    """The status of a task. Each equals the text that `Task.status()` returns."""

    PENDING = "pending"
    STARTED = "started"
    PENDING_PAUSE = "pending_pause"
    PAUSED = "paused"
    PENDING_RESUME = "pending_resume"
    PENDING_KILL = "pending_kill"
    KILLED = "killed"
    SUCCESS = "success"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CRASH_LOOP = "crash_loop"
    RESOURCE_CONTENTION = "resource_contention"
    SCHEDULE_ERROR = "schedule_error"

    def __str__(self) -> str:
        return self.value


class Record:
    """One thing of the platform, with its data as of when it was read.

    `data` is the platform's answer; `time_format` is how people see times, as for `strftime`.
    """

    def __init__(self, data: Mapping[str, Any], time_format: str = TIME_FORMAT) -> None:
        self._data = dict(data)
        self._time_format = time_format

    def to_json(self) -> dict[str, Any]:
        """Its data, as the platform sent it."""
        return dict(self._data)

    def id(self) -> object:
        """What the platform knows it by."""
        raise NotImplementedError

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        raise NotImplementedError

    def _time(self, instant: datetime) -> str:
        return instant.strftime(self._time_format)

    def _repr_html_(self) -> str:
        return html.card(self.shown())

    def __repr__(self) -> str:
        facts = ", ".join(f"{title}={text!r}" for title, text in list(self.shown().items())[:3])
        return f"<{type(self).__name__} {facts}>"


class TimedRecord(Record):
    """Something that knows when it was created and last changed."""

    def created_at(self) -> datetime:
        """When it was created, with a zone."""
        return parse_instant(self._data["created_at"])

    def updated_at(self) -> datetime:
        """When it last changed, with a zone."""
        return parse_instant(self._data["updated_at"])

    def _times(self) -> dict[str, str]:
        return {
            "Created At": self._time(self.created_at()),
            "Updated At": self._time(self.updated_at()),
        }


class WorkspaceItem(TimedRecord):
    """Something that belongs to a workspace."""

    def workspace_id(self) -> int:
        """The number of its workspace."""
        return int(self._data["workspace_id"])

    def workspace_name(self) -> str:
        """The name of its workspace."""
        return str(self._data.get("workspace_name", ""))

    def _workspace(self) -> dict[str, str]:
        return {"Workspace ID": str(self.workspace_id()), "Workspace Name": self.workspace_name()}


class OrchestrationRecord(WorkspaceItem):
    """The data of an orchestration."""

    def id(self) -> str:
        """Its id, a UUID."""
        return str(self._data["id"])

    def name(self) -> str | None:
        """Its name, if it was given one."""
        name: str | None = self._data["name"]
        return name

    def file_name(self) -> str:
        """The file name that it was uploaded with."""
        return str(self._data["file_name"])

    def sha(self) -> str:
        """The SHA-256 of the archive, in hex."""
        return str(self._data["sha"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": self.id(),
            "Name": str(self.name()),
            "Status": str(self._data["status"]),
            "File Name": self.file_name(),
            "SHA": self.sha(),
            **self._times(),
            **self._workspace(),
        }


class TaskRecord(WorkspaceItem):
    """The data of a task."""

    def id(self) -> str:
        """Its id, a UUID."""
        return str(self._data["id"])

    def name(self) -> str | None:
        """Its name, if it was given one."""
        name: str | None = self._data["name"]
        return name

    def input_data(self) -> dict[str, Any]:
        """The arguments that its runs get."""
        return dict(self._data["input_data"])

    def task_type(self) -> str:
        """`Temporary Run` (once), `Scheduled Run` or `Continuous Run`."""
        return _RUN_TYPES.get(str(self._data.get("run_type")), "Custom Image Run")

    def schedule(self) -> str | None:
        """The cron expression of a scheduled task, else None."""
        expression: str | None = self._data.get("schedule")
        return expression

    def upcoming(self) -> list[datetime]:
        """The next five instants of its schedule, in its own time zone.

        Only the call that creates a task returns them; otherwise the list is empty.
        """
        return [parse_instant(text) for text in self._data.get("upcoming", [])]

    def last_run_status(self) -> str:
        """The status of its last run when this was read; `unknown` before the first run."""
        runs = self._data["last_runs"]
        return str(runs[-1]["status"]) if runs else "unknown"

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": self.id(),
            "Name": str(self.name()),
            "Last Run Status": self.last_run_status(),
            "Type": self.task_type(),
            "Active": str(not self._data["killed"]),
            "Schedule": self.schedule() or "-",
            **self._times(),
            **self._workspace(),
        }


class TaskRunRecord(TimedRecord):
    """The data of a run."""

    def id(self) -> str:
        """Its id, a UUID."""
        return str(self._data["run_id"])

    def task_id(self) -> str:
        """The id of its task."""
        return str(self._data["task"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "Task": self.task_id(),
            "Pod ID": self.id(),
            "Status": str(self._data["status"]),
            **self._times(),
        }


class WorkspaceRecord(Record):
    """The data of a workspace."""

    def id(self) -> int:
        """Its number."""
        return int(self._data["id"])

    def name(self) -> str:
        """Its name."""
        return str(self._data["name"])

    def archived(self) -> bool:
        """Whether it is archived."""
        return bool(self._data["archived"])

    def created_by(self) -> str:
        """The id of the user who created it."""
        return str(self._data["created_by"])

    def created_at(self) -> str:
        """When it was created, as an RFC 3339 text."""
        return str(self._data["created_at"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": str(self.id()),
            "Name": self.name(),
            "Created At": self._time(parse_instant(self.created_at())),
            "Created By": self.created_by(),
        }


class ConnectionRecord(Record):
    """The data of a connection."""

    def id(self) -> str:
        """Its id, a UUID."""
        return str(self._data["id"])

    def name(self) -> str:
        """Its name."""
        return str(self._data["name"])

    def connection_type(self) -> str:
        """The word that its creator chose for its kind, such as `POSTGRES`."""
        return str(self._data["type"])

    def created_at(self) -> str:
        """When it was created, as an RFC 3339 text."""
        return str(self._data["created_at"])

    def workspace_names(self) -> list[str]:
        """The names of the workspaces that may use it."""
        return list(self._data["workspace_names"])

    def to_json(self) -> dict[str, Any]:
        """Its data, as the platform sent it, without the secret details."""
        return {name: value for name, value in self._data.items() if name != "details"}

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "Name": self.name(),
            "Connection Type": self.connection_type(),
            "Details": "*****",
            "Created At": self.created_at(),
            "Linked Workspaces": str(self.workspace_names()),
        }
