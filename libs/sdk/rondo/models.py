"""What the platform's things say of themselves, without asking it again."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from html import escape
from typing import Any

from rondo import html

TIME_FORMAT = "%Y-%d-%b %H:%M:%S"

ENDED = frozenset({"success", "failure", "timed_out", "killed"})  # a run in these stays there

_RUN_TYPES = {
    "Oneshot": "Temporary Run",
    "CronJob": "Scheduled Run",
    "NetworkService": "Continuous Run",
}


class TaskStatus(str, Enum):
    """Of a task. It equals the text that `Task.status()` gives. (StrEnum came with Python 3.11.)"""

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
    """`data` is what the platform answered; `time_format` is for showing times to people."""

    def __init__(self, data: Mapping[str, Any], time_format: str = TIME_FORMAT) -> None:
        self._data = dict(data)
        self._time_format = time_format

    def to_json(self) -> dict[str, Any]:
        """As the platform answered it."""
        return dict(self._data)

    def id(self) -> object:
        raise NotImplementedError

    def shown(self) -> dict[str, str]:
        """Titles and texts for people, in order."""
        raise NotImplementedError

    def _time(self, instant: datetime) -> str:
        return instant.strftime(self._time_format)

    def _repr_html_(self) -> str:
        return html.card(self.shown())

    def __repr__(self) -> str:
        facts = ", ".join(f"{title}={text!r}" for title, text in list(self.shown().items())[:3])
        return f"<{type(self).__name__} {facts}>"


class Timed(Record):
    def created_at(self) -> datetime:
        return when(self._data["created_at"])

    def updated_at(self) -> datetime:
        return when(self._data["updated_at"])

    def _times(self) -> dict[str, str]:
        return {
            "Created At": self._time(self.created_at()),
            "Updated At": self._time(self.updated_at()),
        }


class Owned(Timed):
    """Something of a workspace."""

    def workspace_id(self) -> int:
        return int(self._data["workspace_id"])

    def workspace_name(self) -> str:
        return str(self._data.get("workspace_name", ""))

    def _workspace(self) -> dict[str, str]:
        return {"Workspace ID": str(self.workspace_id()), "Workspace Name": self.workspace_name()}


class OrchestrationRecord(Owned):
    def id(self) -> str:
        return str(self._data["id"])

    def name(self) -> str | None:
        name: str | None = self._data["name"]
        return name

    def file_name(self) -> str:
        return str(self._data["file_name"])

    def sha(self) -> str:
        """SHA-256 of the archive, in hex."""
        return str(self._data["sha"])

    def shown(self) -> dict[str, str]:
        return {
            "ID": self.id(),
            "Name": str(self.name()),
            "Status": str(self._data["status"]),
            "File Name": self.file_name(),
            "SHA": self.sha(),
            **self._times(),
            **self._workspace(),
        }


class TaskRecord(Owned):
    def id(self) -> str:
        return str(self._data["id"])

    def name(self) -> str | None:
        name: str | None = self._data["name"]
        return name

    def input_data(self) -> dict[str, Any]:
        """Its arguments."""
        return dict(self._data["input_data"])

    def task_type(self) -> str:
        return _RUN_TYPES.get(str(self._data.get("run_type")), "Custom Image Run")

    def schedule(self) -> str | None:
        """The cron expression of a scheduled task."""
        expression: str | None = self._data.get("schedule")
        return expression

    def upcoming(self) -> list[datetime]:
        """The next five instants of its schedule, by the clock of its zone, as they were when this
        created it; empty where it was read."""
        return [when(text) for text in self._data.get("upcoming", [])]

    def last_run_status(self) -> str:
        """As it was when this was read; `unknown` before the first run."""
        runs = self._data["last_runs"]
        return str(runs[-1]["status"]) if runs else "unknown"

    def shown(self) -> dict[str, str]:
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


class TaskRunRecord(Timed):
    def id(self) -> str:
        return str(self._data["run_id"])

    def task_id(self) -> str:
        return str(self._data["task"])

    def shown(self) -> dict[str, str]:
        return {
            "Task": self.task_id(),
            "Pod ID": self.id(),
            "Status": str(self._data["status"]),
            **self._times(),
        }


class WorkspaceRecord(Record):
    def id(self) -> int:
        return int(self._data["id"])

    def name(self) -> str:
        return str(self._data["name"])

    def archived(self) -> bool:
        return bool(self._data["archived"])

    def created_by(self) -> str:
        return str(self._data["created_by"])

    def created_at(self) -> str:
        return str(self._data["created_at"])

    def shown(self) -> dict[str, str]:
        return {
            "ID": str(self.id()),
            "Name": self.name(),
            "Created At": self._time(when(self.created_at())),
            "Created By": self.created_by(),
        }


class ConnectionRecord(Record):
    def id(self) -> str:
        return str(self._data["id"])

    def name(self) -> str:
        return str(self._data["name"])

    def connection_type(self) -> str:
        return str(self._data["type"])

    def created_at(self) -> str:
        return str(self._data["created_at"])

    def workspace_names(self) -> list[str]:
        return list(self._data["workspace_names"])

    def to_json(self) -> dict[str, Any]:
        """As the platform answered it, save the details: they are secrets."""
        return {name: value for name, value in self._data.items() if name != "details"}

    def shown(self) -> dict[str, str]:
        return {
            "Name": self.name(),
            "Connection Type": self.connection_type(),
            "Details": "*****",
            "Created At": self.created_at(),
            "Linked Workspaces": str(self.workspace_names()),
        }


class Logs(list[str]):
    """Lines as `<time> <stdout|stderr> <F|P> <text>`, oldest first; `complete` once it is all."""

    def __init__(self, answer: Mapping[str, Any], time_format: str = TIME_FORMAT) -> None:
        super().__init__(answer["logs"])
        self.complete = bool(answer.get("complete", False))
        self._time_format = time_format

    def texts(self) -> list[str]:
        """What was printed, without the stamps: whole lines; of one drawn anew what it ended as."""
        return whole(self)

    def _repr_html_(self) -> str:
        if not self:
            return "(no logs yet)"
        lines = (f"{when(line).strftime(self._time_format)} {text_of(line)}" for line in self)
        return "<pre><code>" + escape("\n".join(lines)) + "</code></pre>"


def text_of(line: str) -> str:
    return line.split(" ", 3)[3]


def whole(stamped: Iterable[str]) -> list[str]:
    """The texts, with pieces (P) put together. A stream's last line may have no end yet."""
    found: list[list[str]] = []
    going_on: dict[str, list[str]] = {}
    for line in stamped:
        _, stream, flag, text = line.split(" ", 3)
        pieces = going_on.pop(stream, None)
        if pieces is None:
            found.append(pieces := [])
        pieces.append(text)
        if flag == "P":
            going_on[stream] = pieces
    return [drawn("".join(pieces)) for pieces in found]


class Texts:
    """Of lines that come one after the other: pieces are given as they are, each once."""

    def __init__(self) -> None:
        self._going_on: set[str] = set()

    def of(self, line: str) -> str | None:
        """None for the mere end of a line whose pieces were given."""
        _, stream, flag, text = line.split(" ", 3)
        going_on = stream in self._going_on
        (self._going_on.add if flag == "P" else self._going_on.discard)(stream)
        return None if going_on and flag == "F" and not text else drawn(text)


def drawn(text: str) -> str:
    """What a terminal shows of it: after a carriage return the line is drawn anew."""
    end = len(text.rstrip("\r"))
    cut = text.rfind("\r", 0, end)
    return text if cut < 0 else text[cut + 1 : end]


_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def when(text: str) -> datetime:
    """An RFC 3339 instant at the start of `text`; what is finer than microseconds is dropped."""
    found = _INSTANT.match(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} does not begin with a time")
    day, time, fraction, zone = found.groups(default="")
    return datetime.fromisoformat(
        f"{day}T{time}.{fraction[1:7]:0<6}{'+00:00' if zone in ('', 'Z') else zone}"
    )
