"""The data of models, pipelines, deployments and tags, as the platform sent it."""

from collections.abc import Mapping
from typing import Any

from rondo.records import Record, TimedRecord

LOOKED_AT = frozenset({"ready", "error"})  # statuses of a model version, for good


class ModelRecord(TimedRecord):
    """The data of a model."""

    def id(self) -> int:
        """Its number."""
        return int(self._data["id"])

    def name(self) -> str:
        """Its name."""
        return str(self._data["name"])

    def owner_id(self) -> str:
        """The id of the user who uploaded the first version."""
        return str(self._data["owner_id"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {"ID": str(self.id()), "Name": self.name(), **self._times()}


class ModelVersionRecord(Record):
    """The data of a version of a model."""

    def id(self) -> int:
        """Its number."""
        return int(self._data["id"])

    def name(self) -> str:
        """The name of its model."""
        return str(self._data["name"])

    def version(self) -> str:
        """Its id, a UUID."""
        return str(self._data["file_info"]["version"])

    def sha(self) -> str:
        """The SHA-256 of the file, in hex."""
        return str(self._data["file_info"]["sha"])

    def file_name(self) -> str:
        """The file name that it was uploaded with."""
        return str(self._data["file_info"]["file_name"])

    def reference(self) -> dict[str, str]:
        """How the steps of pipelines name it."""
        return {"name": self.name(), "version": self.version(), "sha": self.sha()}

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": str(self.id()),
            "Name": self.name(),
            "Version": self.version(),
            "Status": str(self._data["status"]),
            "File Name": self.file_name(),
            "SHA": self.sha(),
            "Reason": str(self._data.get("error_summary") or ""),
        }


class PipelineRecord(TimedRecord):
    """The data of a pipeline."""

    def id(self) -> int:
        """Its number."""
        return int(self._data["id"])

    def name(self) -> str:
        """Its name."""
        return str(self._data["name"])

    def workspace_id(self) -> int:
        """The number of its workspace."""
        return int(self._data["workspace"]["id"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": str(self.id()),
            "Name": self.name(),
            **self._times(),
            "Workspace Name": str(self._data["workspace"]["name"]),
        }


class PipelineVersion(Record):
    """One version of a pipeline: its steps, which never change."""

    def id(self) -> str:
        """Its id, a UUID."""
        return str(self._data["version"])

    name = id  # older scripts know it by this

    def steps(self) -> list[dict[str, Any]]:
        """Its steps, as the platform keeps them."""
        return list(self._data["steps"])

    def definition(self) -> dict[str, Any]:
        """Its steps, with the name of the pipeline."""
        return {"id": self._data["id"], "steps": self.steps()}

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": self.id(),
            "Pipeline": str(self._data["id"]),
            "Steps": ", ".join(map(step_name, self.steps())),
        }


class Deployment(TimedRecord):
    """What is served of a pipeline, as of when it was read."""

    def id(self) -> int:
        """Its number: a pipeline keeps it for good."""
        return int(self._data["id"])

    def name(self) -> str:
        """The name of the pipeline."""
        return str(self._data["pipeline"])

    def status(self) -> str:
        """`starting`, `running`, `error` or `undeployed`."""
        return str(self._data["status"])

    def deployed(self) -> bool:
        """Whether it is to be served."""
        return self.status() != "undeployed"

    def replicas(self) -> int:
        """How many replicas serve."""
        return int(self._data["replicas"])

    def reason(self) -> str:
        """Why it is in error, or lost its last replica, or ""."""
        return str(self._data["reason"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": str(self.id()),
            "Pipeline": self.name(),
            "Status": self.status(),
            "Replicas": str(self.replicas()),
            "Models": ", ".join(self._data["models"]),
            "Reason": self.reason(),
            **self._times(),
        }


class TagRecord(Record):
    """The data of a tag."""

    def id(self) -> int:
        """Its number."""
        return int(self._data["id"])

    def tag(self) -> str:
        """Its text."""
        return str(self._data["tag"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {"ID": str(self.id()), "Tag": self.tag()}


def step_name(step: Mapping[str, Any]) -> str:
    """A step in a few words: its models, or what it does."""
    (kind, body), *_ = step.items()
    if kind == "ModelInference":
        return " & ".join(model["name"] for model in body["models"])
    return str(kind)
