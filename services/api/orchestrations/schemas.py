"""Orchestrations as they come in and go out, in the MLOps API's names and order."""

from pathlib import Path
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


class Upload(msgspec.Struct, frozen=True):
    """A file of ours with what came with it; `sha` is lowercase hex."""

    path: Path
    file_name: str
    size: int
    sha: str
    metadata: UploadMetadata


class UploadForm(msgspec.Struct):
    """`file` is a ZIP with a main.py and at most one requirements.txt; parts in any order."""

    file: bytes
    metadata: UploadMetadata


class ListOrchestrations(msgspec.Struct):
    """A page is asked for by `limit`, the one after it by `before`: the oldest that it had.
    Without a limit these are the newest 10,000; so in all lists."""

    workspace_id: WorkspaceId
    limit: Page | None = None
    before: Before | None = None


class ListAllOrchestrations(msgspec.Struct):
    """No ids: all workspaces that the caller may see. Statuses: only tasks with such a run."""

    workspace_ids: list[WorkspaceId] = []
    task_run_status: list[RunStatus] = []
    killed: bool | None = None
    limit: Page | None = None
    before: Before | None = None


class OrchestrationById(msgspec.Struct):
    id: UUID


class Orchestration(msgspec.Struct, kw_only=True):
    """`reason` says why it is in `error`; `owner_id` is who uploaded it.

    `progress`, of a single one in `packaging`: what is being fetched or made, and how far that is.
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
