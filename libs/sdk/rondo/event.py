"""An event, as the platform gives it to subscribers."""

import json
from datetime import datetime
from typing import Any

from rondo.instants import parse_instant
from rondo.records import Record


class Event(Record):
    """Something that has happened. `to_json()` is the whole CloudEvent."""

    def id(self) -> str:
        """Its id. No two events share one."""
        return str(self._data["id"])

    def type(self) -> str:
        """Its type, such as `RunFinished`."""
        return str(self._data["type"])

    def sequence(self) -> int:
        """Its position in the log: `events(after=...)` continues after this number."""
        return int(self._data["sequence"])

    def time(self) -> datetime:
        """When it happened, with a zone."""
        return parse_instant(self._data["time"])

    def subject(self) -> str:
        """What it is about, such as `task/<id>`."""
        return str(self._data["subject"])

    def workspace_id(self) -> int:
        """The number of its workspace, or 0 when it belongs to none."""
        return int(self._data["workspaceid"])

    def actor(self) -> str:
        """Who did it: the id of a user, or the name of a service."""
        return str(self._data["actor"])

    def correlation_id(self) -> str:
        """An id that all events share that one request led to."""
        return str(self._data["correlationid"])

    def causation_id(self) -> str | None:
        """The id of the event that led to this one, or None."""
        causation_id: str | None = self._data.get("causationid")
        return causation_id

    def data(self) -> dict[str, Any]:
        """The fields of the event itself."""
        return dict(self._data["data"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "Sequence": str(self.sequence()),
            "Time": self._time(self.time()),
            "Type": self.type(),
            "Subject": self.subject(),
            "Workspace ID": str(self.workspace_id()),
            "Actor": self.actor(),
            "Data": json.dumps(self.data()),
        }
