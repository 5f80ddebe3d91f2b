"""The models that the steps of a pipeline name, as they are now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.domain.deployment import threads_for
from libs.domain.errors import Rejected
from libs.domain.model_version import ModelVersion
from libs.domain.pipeline_steps import ModelRef, models_of, parse_steps
from libs.domain.values import DeployedModel
from services.api import text
from services.api.append.probes import probed
from services.api.append.store import Store
from services.api.read_model.models import model_versions_with_ids

PROBED_WITHIN_SECONDS = 30.0

Steps = Sequence[Mapping[str, Any]]


async def check(store: Store, workspace: int, steps: Steps) -> None:
    """Rejected("invalid") for steps that can't run, and for a model that is not there or can't be
    served, with the reason; for one that is still being probed not yet."""
    wanted = _wanted(steps)
    states = await model_versions_with_ids(store.rows, list(wanted))
    for id, model in wanted.items():
        _there(model, states.get(id), workspace)


async def resolve(store: Store, workspace: int, steps: Steps, cpus: float) -> list[DeployedModel]:
    """The models of the steps, each once and in their order, as they are deployed now. Waits for
    those that are being probed. Raises as `check`."""
    wanted = _wanted(steps)
    states = await probed(store, list(wanted), PROBED_WITHIN_SECONDS)
    found = [_there(model, states.get(id), workspace) for id, model in wanted.items()]
    return [_deployed(state, cpus) for state in found]


def _wanted(steps: Steps) -> dict[UUID, ModelRef]:
    wanted = {}
    for model in (model for step in parse_steps(steps) for model in models_of(step)):
        id = text.uuid(model.version)
        if id is None:
            raise Rejected(
                "invalid",
                f"definition.steps: {model.version[:40]!r} is no version of model"
                f" {model.name[:80]!r}; give a UUID as the platform answered it",
            )
        wanted[id] = model
    return wanted


def _there(wanted: ModelRef, state: ModelVersion | None, workspace: int) -> ModelVersion:
    name = wanted.name[:80]
    if state is None or state.status == "deleted" or not _is_it(wanted, state, workspace):
        raise Rejected(
            "invalid",
            f"definition.steps: workspace {workspace} has no model {name!r} with version"
            f" {wanted.version[:40]!r} and that sha; upload it there",
        )
    if state.status == "error":
        raise Rejected("invalid", f"definition.steps: model {name!r}: {state.reason}")
    return state


def _is_it(wanted: ModelRef, state: ModelVersion, workspace: int) -> bool:
    same = state.workspace == workspace and state.name == wanted.name
    return same and wanted.sha in ("", state.sha)


def _deployed(state: ModelVersion, cpus: float) -> DeployedModel:
    if state.status != "ready":
        problem = "is still being loaded; try again"
        raise Rejected("invalid", f"definition.steps: model {state.name!r} {problem}")
    config = state.config
    return DeployedModel(
        name=state.name,
        version=state.id,
        number=state.number,
        config=config.number,
        sha=state.sha,
        blob=state.blob,
        framework=state.framework,
        inputs=state.inputs,
        outputs=state.outputs,
        tensor_fields=config.tensor_fields,
        threads=threads_for(state.trees, cpus),
        trees=state.trees,
        batching=config.batching,
        environment=state.environment,
    )
