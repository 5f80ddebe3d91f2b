"""Bodies and answers of the routes for orchestrations: names and order of the MLOps API."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.domain import orchestration
from services.api.fields import MAX_NAME, Before, Instant, Page, RunStatus, WorkspaceId
from services.api.tasks.schemas import Task
from services.api.workspaces.schemas import Workspace


class UploadMetadata(msgspec.Struct):
    workspace_id: WorkspaceId
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)] | None = None


class UploadForm(msgspec.Struct):
    """`file` is a ZIP with a main.py and at most one requirements.txt. The parts may be in any
    order."""

    file: bytes
    metadata: UploadMetadata


class ListOrchestrations(msgspec.Struct):
    """With `limit` the answer is a page. For the next page give the oldest id of this one as
    `before`. Without a limit you get the newest 10,000. All lists do so."""

    workspace_id: WorkspaceId
    limit: Page | None = None
    before: Before | None = None


class ListAllOrchestrations(msgspec.Struct):
    """Without ids: all workspaces that the caller may see. With statuses: only tasks with such a
    run."""

    workspace_ids: list[WorkspaceId] = []
    task_run_status: list[RunStatus] = []
    killed: bool | None = None
    limit: Page | None = None
    before: Before | None = None


class OrchestrationById(msgspec.Struct):
    id: UUID


class Orchestration(msgspec.Struct, kw_only=True):
    """`reason` says why its status is `error`; `owner_id` is who uploaded it.

    `progress`, of a single one in `packaging`, says what is being fetched or built, and how far.
    """

    id: UUID
    workspace_id: int
    name: str | None
    sha: str
    file_name: str
    file_size: int
    entrypoint: str
    image_path: str = ""
    task_id: UUID | None = None
    owner_id: str
    created_by: str
    status: orchestration.Status
    reason: str
    created_at: Instant
    updated_at: Instant
    progress: str | UnsetType = UNSET

    @staticmethod
    def of(state: orchestration.Orchestration, progress: str = "") -> "Orchestration":
        return Orchestration(
            progress=progress or UNSET,
            id=state.id,
            workspace_id=state.workspace,
            name=state.name,
            sha=state.sha,
            file_name=state.file_name,
            file_size=state.file_size,
            entrypoint=state.entrypoint,
            owner_id=state.owner,
            created_by=state.owner,
            status=state.status,
            reason=state.reason,
            created_at=state.created_at,
            updated_at=state.updated_at,
        )


class OrchestrationItem(msgspec.Struct):
    orchestration: Orchestration
    tasks: list[Task]
    workspace: Workspace


class OrchestrationItems(msgspec.Struct):
    orchestrations: list[OrchestrationItem]
