"""Who may see models, pipelines, deployments and tags: as authorize.py says for the rest (I8)."""

from typing import TypeVar
from uuid import UUID

from libs.domain.deployment import Deployment
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.pipeline import Pipeline
from libs.domain.pipeline_version import PipelineVersion
from libs.domain.tag import Tag
from libs.domain.workspace import Workspace
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.read_model.deployments import find_deployment, find_deployment_with_pipeline
from services.api.read_model.models import (
    find_model,
    find_model_named,
    find_model_version,
    find_model_version_with_config,
    model_versions_with_tag,
)
from services.api.read_model.pipelines import (
    find_pipeline,
    find_pipeline_named,
    find_pipeline_version,
    find_pipeline_version_with_id,
    pipelines_with_tag,
)
from services.api.read_model.row_types import Rows
from services.api.read_model.tags import find_tag, tag_page

State = TypeVar("State")


async def model(user: User, rows: Rows, number: int, field: str = "model_id") -> Model:
    """A model of a workspace that the caller may see."""
    return access.visible(user, await find_model(rows, number), field, "model", number)


async def model_named(
    user: User, rows: Rows, workspace: int, name: str, field: str = "model_id"
) -> Model:
    """As `model`, by its name in a workspace."""
    row = await find_model_named(rows, workspace, name)
    return await _named(user, rows, row, field, "model", workspace, name)


async def _named(
    user: User,
    rows: Rows,
    row: tuple[State, Workspace] | None,
    field: str,
    what: str,
    workspace: int,
    name: str,
) -> State:
    """Whether there is one is only told to those who may see the workspace."""
    if row is None:
        await access.workspace(user, rows, workspace)
    return access.visible(user, row, field, what, f"named {name[:80]!r} in workspace {workspace}")


async def model_version(
    user: User, rows: Rows, number: int, field: str = "model_version_id"
) -> ModelVersion:
    """A version of a model, of a workspace that the caller may see."""
    row = await find_model_version(rows, number)
    return access.visible(user, row, field, "model version", number)


async def model_version_with_config(
    user: User, rows: Rows, number: int, field: str = "id"
) -> ModelVersion:
    """As `model_version`, by the number of one of its configs."""
    row = await find_model_version_with_config(rows, number)
    return access.visible(user, row, field, "model config", number)


async def pipeline(user: User, rows: Rows, number: int, field: str = "pipeline_id") -> Pipeline:
    """A pipeline of a workspace that the caller may see."""
    return access.visible(user, await find_pipeline(rows, number), field, "pipeline", number)


async def pipeline_named(
    user: User, rows: Rows, workspace: int, name: str, field: str = "pipeline_id"
) -> Pipeline:
    """As `pipeline`, by its name in a workspace."""
    row = await find_pipeline_named(rows, workspace, name)
    return await _named(user, rows, row, field, "pipeline", workspace, name)


async def pipeline_version(
    user: User, rows: Rows, id: int | UUID, field: str = "pipeline_version_id"
) -> PipelineVersion:
    """A version of a pipeline, by its number or its id, of a workspace that the caller may see."""
    if isinstance(id, UUID):
        row = await find_pipeline_version_with_id(rows, id)
    else:
        row = await find_pipeline_version(rows, id)
    return access.visible(user, row, field, "pipeline version", id)


async def deployment(
    user: User, rows: Rows, number: int, field: str = "deployment_id"
) -> Deployment:
    """The deployment of a pipeline, deployed or not, of a workspace that the caller may see."""
    return access.visible(user, await find_deployment(rows, number), field, "deployment", number)


async def deployment_of_pipeline(
    user: User, rows: Rows, number: int, field: str = "deployment_id"
) -> tuple[Deployment, Pipeline]:
    """As `deployment`, with the pipeline."""
    row = await find_deployment_with_pipeline(rows, number)
    return access.visible(user, row, field, "deployment", number)


async def tag(user: User, rows: Rows, number: int, field: str = "tag_id") -> Tag:
    """A tag that the caller has created, or that is on something that they may see. To others it
    is not there: a tag is in no workspace that they could be let into."""
    state = await find_tag(rows, number)
    if state is None or not await _may_see(user, rows, state):
        raise access.missing(field, "tag", number)
    return state


async def _may_see(user: User, rows: Rows, tag: Tag) -> bool:
    visible = await _all_or_visible(user, rows)
    return (
        visible is None
        or tag.created_by == str(user.id)
        or bool(await model_versions_with_tag(rows, tag.id, visible, 1))
        or bool(await pipelines_with_tag(rows, tag.id, visible, 1))
    )


async def tags(user: User, rows: Rows, limit: int) -> list[Tag]:
    """The newest `limit` tags that the caller may see, newest first."""
    return await tag_page(rows, str(user.id), await _all_or_visible(user, rows), limit)


async def _all_or_visible(user: User, rows: Rows) -> list[int] | None:
    """The workspaces that the caller may see; None for all."""
    return None if user.admin else [state.id for state in await access.workspaces(user, rows)]
