"""Which pipelines use a model."""

from collections.abc import Sequence
from typing import NamedTuple

from libs.domain.deployment import Deployment
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.pipeline import Pipeline
from libs.domain.values import DeployedModel
from services.api.read_model.deployments import deployments_of
from services.api.read_model.pipelines import search_pipelines, versions_of_pipelines
from services.api.read_model.row_types import NEWEST, Rows

_MAX_SEARCHED = 200  # pipelines that hold its name somewhere


class Use(NamedTuple):
    """A pipeline that serves the model, or names it in its newest version."""

    pipeline: Pipeline
    deployment: Deployment | None

    @property
    def served(self) -> Sequence[DeployedModel]:
        """What it serves now."""
        deployed = self.deployment is not None and self.deployment.deployed
        return self.deployment.serving.models if self.deployment and deployed else []

    def serves(self, version: ModelVersion) -> bool:
        """Whether it serves this version now."""
        return any(one.version == version.id for one in self.served)


async def uses(rows: Rows, model: Model) -> list[Use]:
    """Newest pipeline first."""
    found = await search_pipelines(rows, [model.workspace], model.name, NEWEST, _MAX_SEARCHED)
    ids = [one.id for one in found]
    newest, deployments = await versions_of_pipelines(rows, ids, 1), await deployments_of(rows, ids)
    all_uses = [Use(one, deployments.get(one.id)) for one in found]
    return [
        use
        for use in all_uses
        if any(one.name == model.name for one in use.served)
        or any(model.name in one.models for one in newest[use.pipeline.id])
    ]
