"""The fields of the schema: the same reads and commands as the routes, with the same rights.

Each noun has a file, with the fields of any type that give its rows. A row has its scalars under
their names in the schema, and what its relations need under names that begin with `_`.
"""

from typing import Any
from uuid import UUID

from libs.domain.errors import Rejected
from services.api.access import authorize as access
from services.api.graphql.deployments import DEPLOYMENT_FIELDS
from services.api.graphql.models import MODEL_FIELDS
from services.api.graphql.pipeline_tags import PIPELINE_TAG_FIELDS
from services.api.graphql.pipelines import PIPELINE_FIELDS
from services.api.graphql.table import Fields
from services.api.graphql.tags import TAG_FIELDS
from services.api.graphql.visible import visible
from services.api.graphql.workspaces import WORKSPACE_FIELDS
from services.api.http.request_context import RequestContext
from services.api.orchestrations import schemas as orchestration_schemas


async def orchestration_by_pk(
    context: RequestContext, id: UUID
) -> orchestration_schemas.Orchestration | None:
    state = await visible(access.orchestration(context.user, context.store.rows, id))
    return orchestration_schemas.Orchestration.of(state) if state else None


async def _not_served(context: RequestContext, **_: Any) -> None:
    raise Rejected("invalid", "mutation: this platform has no such command; use its routes")


_NOT_SERVED = (
    "update_deployment_by_pk",
    "insert_deployment_model_configs",
    "update_pipeline",
    "update_model",
)
RESOLVERS: Fields = {
    **{("mutation_root", name): _not_served for name in _NOT_SERVED},
    ("query_root", "orchestration_by_pk"): orchestration_by_pk,
    **WORKSPACE_FIELDS,
    **MODEL_FIELDS,
    **TAG_FIELDS,
    **PIPELINE_FIELDS,
    **PIPELINE_TAG_FIELDS,
    **DEPLOYMENT_FIELDS,
}
