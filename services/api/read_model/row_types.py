"""The types in the rows of the views, and of what they are read from."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from libs.domain.connection import Connection
from libs.domain.deployment import Deployment
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.orchestration import Orchestration
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from libs.domain.run import Run, Status
from libs.domain.tag import Tag
from libs.domain.task import Task
from libs.domain.workspace import Workspace


class RunSeen(msgspec.Struct, frozen=True, gc=False):
    """The part of a run's state that lists read."""

    id: UUID
    task: UUID
    status: Status
    attempt: int
    requested_at: datetime
    updated_at: datetime
    started_at: datetime | None = None


WORKSPACE = msgspec.json.Decoder(Workspace)
CONNECTION = msgspec.json.Decoder(Connection)
ORCHESTRATION = msgspec.json.Decoder(Orchestration)
TASK = msgspec.json.Decoder(Task)
RUN = msgspec.json.Decoder(Run)
MODEL = msgspec.json.Decoder(Model)
MODEL_VERSION = msgspec.json.Decoder(ModelVersion)
PIPELINE = msgspec.json.Decoder(Pipeline)
PIPELINE_VERSION = msgspec.json.Decoder(PipelineVersion)
DEPLOYMENT = msgspec.json.Decoder(Deployment)
TAG = msgspec.json.Decoder(Tag)
RUN_SEEN = msgspec.json.Decoder(RunSeen)

NEWEST = 2**63 - 1  # no place in the log is after it


class Rows(Protocol):
    """A database, or a snapshot of it."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...


def storable(text: str) -> str:
    """Postgres takes no NUL in a text."""
    return text.replace("\0", "\ufffd")


def searchable(text: str) -> str:
    """As titles are, which people search in whatever case they write."""
    return storable(text).casefold()


# Spans of a run, by how many seconds it takes at most: 10 ** span.
LONGEST, OPEN = 8, 99


def span(run: Run) -> int:
    if run.finished_at is None:
        return OPEN
    seconds = (run.finished_at - (run.started_at or run.requested_at)).total_seconds()
    return next((span for span in range(LONGEST) if seconds <= 10**span), LONGEST)
