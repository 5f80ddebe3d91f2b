"""Deployments of pipelines, deployed or not (I8: of the workspaces that their reader may see)."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain.deployment import Deployment
from libs.domain.ids import PLATFORM, deployment_stream
from libs.domain.pipeline import Pipeline
from libs.domain.workspace import Workspace
from libs.postgres.statements import load
from services.api.read_model.row_types import DEPLOYMENT, PIPELINE, WORKSPACE, Rows

_SQL = load(__name__)


async def find_deployment(rows: Rows, number: int) -> tuple[Deployment, Workspace] | None:
    """A deployment with its workspace, or None."""
    row = await rows.fetchrow(_SQL["find_deployment"], number)
    return (DEPLOYMENT.decode(row[0]), WORKSPACE.decode(row[1])) if row else None


async def find_deployment_with_pipeline(
    rows: Rows, number: int
) -> tuple[tuple[Deployment, Pipeline], Workspace] | None:
    """As `find_deployment`, with its pipeline, also if that is deleted."""
    row = await rows.fetchrow(_SQL["find_deployment_with_pipeline"], number)
    if row is None:
        return None
    return (DEPLOYMENT.decode(row[0]), PIPELINE.decode(row[1])), WORKSPACE.decode(row[2])


async def deployments_of(rows: Rows, pipelines: Sequence[UUID]) -> dict[UUID, Deployment]:
    """By pipeline; those that were never deployed are left out."""
    ids = [UUID(deployment_stream(PLATFORM, pipeline).id) for pipeline in pipelines]
    records = await rows.fetch(_SQL["deployments_with_ids"], ids) if ids else []
    found = (DEPLOYMENT.decode(row["state"]) for row in records)
    return {deployment.pipeline: deployment for deployment in found}


async def deployed_page(
    rows: Rows, workspaces: Sequence[int], before: int, limit: int
) -> list[Deployment]:
    """The newest `limit` that are deployed, with a number before `before`, newest first."""
    records = await rows.fetch(_SQL["deployed_page"], workspaces, before, limit)
    return [DEPLOYMENT.decode(row["state"]) for row in records]


async def deployments_of_model_versions(rows: Rows, versions: Sequence[UUID]) -> list[Deployment]:
    """What is deployed and has one of those versions of models; oldest first."""
    records = await rows.fetch(_SQL["deployments_of_model_versions"], versions) if versions else []
    return [DEPLOYMENT.decode(row["state"]) for row in records]
