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
from libs.identity.machine_principal import MachinePrincipal
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
from services.api.read_model.tags import all_tags, find_tag, is_on_something, tag_page

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
    if state is None or not (user.admin or await _may_see(user, rows, state)):
        raise access.missing(field, "tag", number)
    return state


async def _may_see(user: User, rows: Rows, tag: Tag) -> bool:
    """Who is no administrator. A machine is its owner, and yet nothing of what they do in other
    workspaces is for it: of their tags it sees those that are on nothing yet, as its own new ones
    are."""
    visible = [state.id for state in await access.workspaces(user, rows)]
    if await model_versions_with_tag(rows, tag.id, visible, 1):
        return True
    if await pipelines_with_tag(rows, tag.id, visible, 1):
        return True
    mine, machine = tag.created_by == str(user.id), isinstance(user, MachinePrincipal)
    return mine and not (machine and await is_on_something(rows, tag.id))


async def tags(user: User, rows: Rows, limit: int) -> list[Tag]:
    """The newest `limit` tags that the caller may see, newest first."""
    if user.admin:
        return await all_tags(rows, limit)
    visible = [state.id for state in await access.workspaces(user, rows)]
    machine = isinstance(user, MachinePrincipal)
    return await tag_page(rows, str(user.id), visible, limit, only_unused=machine)
