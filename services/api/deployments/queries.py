"""Deployments as their readers may see them."""

from libs.domain.deployment import Deployment
from libs.domain.errors import Rejected
from libs.domain.pipeline import Pipeline
from libs.identity.users import User
from services.api import text
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.fields import MAX_LISTED
from services.api.read_model.deployments import deployed_page, deployments_of
from services.api.read_model.row_types import NEWEST, Rows


async def by_name(user: User, rows: Rows, name: str, field: str) -> Deployment:
    """What is to be served, by `<deploy_id>-<number>`, of which the number counts.

    Rejected("not_found") too once it is undeployed.
    """
    number = text.number(name.rpartition("-")[2])
    if number is None:
        raise Rejected(
            "not_found", f"{field}: {name[:80]!r} is no deployment; give <deploy_id>-<its number>"
        )
    state = await inference_access.deployment(user, rows, number, field)
    if not state.deployed:
        raise Rejected(
            "not_found", f"{field}: pipeline {state.name!r} is not deployed; deploy it first"
        )
    return state


async def listed(user: User, rows: Rows, workspace: int | None) -> list[Deployment]:
    """What is deployed in a workspace, or in all that the user may see; newest first."""
    chosen = await access.chosen_workspaces(user, rows, workspace)
    return await deployed_page(rows, [state.id for state in chosen], NEWEST, MAX_LISTED)


async def of_pipeline(rows: Rows, pipeline: Pipeline, field: str) -> Deployment:
    """Rejected("not_found") for one that was never deployed."""
    state = (await deployments_of(rows, [pipeline.id])).get(pipeline.id)
    if state is None:
        raise Rejected("not_found", f"{field}: pipeline {pipeline.name!r} was never deployed")
    return state
