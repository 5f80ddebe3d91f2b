"""Something that has happened, as the platform tells its subscribers."""

import json
from datetime import datetime
from typing import Any

from rondo.models import Record, when


class Event(Record):
    """A CloudEvent; `to_json()` is all of it."""

    def id(self) -> str:
        return str(self._data["id"])

    def type(self) -> str:
        """Such as `RunFinished`."""
        return str(self._data["type"])

    def sequence(self) -> int:
        """Its place in the log: what comes after it is asked for by this number."""
        return int(self._data["sequence"])

    def time(self) -> datetime:
        return when(self._data["time"])

    def subject(self) -> str:
        """What it happened to, such as `task/<id>`."""
        return str(self._data["subject"])

    def workspace_id(self) -> int:
        """0 for what lies in none."""
        return int(self._data["workspaceid"])

    def actor(self) -> str:
        """The id of the user, or the name of the service, who did so."""
        return str(self._data["actor"])

    def correlation_id(self) -> str:
        """Shared by all that one request led to."""
        return str(self._data["correlationid"])

    def causation_id(self) -> str | None:
        """The id of the event that this one answers."""
        found: str | None = self._data.get("causationid")
        return found

    def data(self) -> dict[str, Any]:
        """What the event itself says."""
        return dict(self._data["data"])

    def shown(self) -> dict[str, str]:
        return {
            "Sequence": str(self.sequence()),
            "Time": self._time(self.time()),
            "Type": self.type(),
            "Subject": self.subject(),
            "Workspace ID": str(self.workspace_id()),
            "Actor": self.actor(),
            "Data": json.dumps(self.data()),
        }
