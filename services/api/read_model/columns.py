"""What of each aggregate's state is a column of its own: what queries filter and sort by.

Lists are text with commas between, for unnest takes no lists of lists.
"""

from collections.abc import Iterable

from libs.domain import task as tasks
from libs.domain.connection import Connection
from libs.domain.deployment import Deployment
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.orchestration import Orchestration
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from libs.domain.run import Run
from libs.domain.tag import Tag
from libs.domain.task import Task
from libs.domain.workspace import Workspace
from services.api.read_model import row_types

Columns = tuple[object, ...]


def workspace(state: Workspace) -> Columns:
    return (state.name, _listed(sorted(state.members)))


def connection(state: Connection) -> Columns:
    return (state.name, state.created_by, _listed(state.workspaces), state.deleted)


def orchestration(state: Orchestration) -> Columns:
    failed = state.status == "error"
    return (state.workspace, state.owner, state.sha, _title(state.name or state.file_name), failed)


def task(state: Task) -> Columns:
    return (
        state.workspace,
        state.orchestration,
        state.status,
        state.kind,
        row_types.storable(state.name) if state.name else None,
        tasks.can_run(state),
        tasks.tries(state),
    )


def run(state: Run) -> Columns:
    return (
        state.task,
        state.workspace,
        state.status,
        state.started_at or state.requested_at,
        state.finished_at,
        row_types.span(state),
    )


def model(state: Model) -> Columns:
    return (state.number, state.workspace, state.name, state.deleted)


def model_version(state: ModelVersion) -> Columns:
    return (
        state.number,
        state.workspace,
        state.model,
        _title(state.name, state.file_name, state.sha, str(state.id)),
        state.created_at,
        _listed(config.number for config in state.configs),
        _listed(state.tags),
        state.status == "deleted",
    )


def pipeline(state: Pipeline) -> Columns:
    return (state.number, state.workspace, state.name, _listed(state.tags), state.deleted)


def pipeline_version(state: PipelineVersion) -> Columns:
    return (
        state.number,
        state.workspace,
        state.pipeline,
        _title(state.name, *state.models),
        state.created_at,
        state.deleted,
    )


def deployment(state: Deployment) -> Columns:
    revisions = [state.current, *([state.previous] if state.previous else [])]
    models = _listed(dict.fromkeys(model.version for one in revisions for model in one.models))
    return (state.number, state.workspace, state.pipeline, models, state.deployed)


def tag(state: Tag) -> Columns:
    return (state.number, state.created_by, _title(state.name))


def _listed(items: Iterable[object]) -> str:
    return ",".join(map(str, items))


def _title(*parts: str) -> str:
    return row_types.searchable("\n".join(parts))
