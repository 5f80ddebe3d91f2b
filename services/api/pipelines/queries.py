"""Pipelines and their versions as their readers may see them."""

from uuid import UUID

from libs.domain.pipeline_version import PipelineVersion
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.fields import MAX_LISTED
from services.api.pipelines.schemas import ListPipelines, SeenPipeline
from services.api.read_model.pipelines import pipeline_page, versions_of_pipelines
from services.api.read_model.row_types import NEWEST, Rows


async def named(user: User, rows: Rows, workspace: int, name: str, field: str) -> SeenPipeline:
    """A pipeline of a workspace."""
    its_workspace = await access.workspace(user, rows, workspace)
    state = await inference_access.pipeline_named(user, rows, workspace, name, field)
    newest = (await versions_of_pipelines(rows, [state.id], 1))[state.id]
    updated_at = newest[0].created_at if newest else state.created_at
    return SeenPipeline(state, its_workspace, updated_at)


async def listed(user: User, rows: Rows, which: ListPipelines) -> list[SeenPipeline]:
    """Those of a workspace, or of all that the user may see; newest first."""
    chosen = await access.chosen_workspaces(user, rows, which.workspace_id, which.workspace_name)
    visible = {state.id: state for state in chosen}
    states = await pipeline_page(rows, list(visible), NEWEST, MAX_LISTED)
    newest = await versions_of_pipelines(rows, [state.id for state in states], 1)
    return [
        SeenPipeline(
            state,
            visible[state.workspace],
            newest[state.id][0].created_at if newest[state.id] else state.created_at,
        )
        for state in states
    ]


async def versions(rows: Rows, of: UUID) -> list[PipelineVersion]:
    """The versions of a pipeline, newest first."""
    return (await versions_of_pipelines(rows, [of], MAX_LISTED))[of]
