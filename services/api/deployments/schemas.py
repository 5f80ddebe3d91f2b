"""Bodies and answers of the routes for deployments: names and order of the MLOps API."""

from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.domain import deployment
from libs.domain.deployment import Deployment, Replica, Revision
from libs.domain.values import DeployedModel
from services.api.fields import Instant, Number

Shown = Literal["Starting", "Running", "Error"]


class Deploy(msgspec.Struct):
    """`pipeline_version_pk_id`, or else `pipeline_version`, is what to serve; `pipeline_id` is
    checked if it is given. What else clients name (`models`, `model_configs`, ...) the version's
    definition says already. For `engine_config` see docs/pipelines.md.
    """

    pipeline_version_pk_id: Number | None = None
    pipeline_version: UUID | None = None
    deploy_id: str | None = None
    pipeline_id: Number | None = None
    engine_config: dict[str, Any] | None = None


class Deployed(msgspec.Struct):
    """The number of the deployment: a pipeline keeps it for good."""

    id: int


class Undeploy(msgspec.Struct):
    """One of them is enough."""

    deployment_id: Number | None = None
    pipeline_id: Number | None = None


class Undeployed(msgspec.Struct):
    id: int
    deployed: bool = False


class ListDeployments(msgspec.Struct):
    """Without a workspace, all that you may see."""

    workspace_id: Number | None = None


class DeploymentItem(msgspec.Struct):
    """`pipeline_version` is what was requested last. `serving_version` is what answers: the one
    before while the requested one is starting, and if that failed; none if there was none. `reason`
    says why it failed or lost its last replica; `models` are the names, in order."""

    id: int
    pipeline: str
    pipeline_version: UUID
    workspace_id: int
    status: deployment.Status
    reason: str
    replicas: int
    models: list[str]
    engine_config: dict[str, Any]
    created_at: Instant
    updated_at: Instant
    serving_version: UUID | None

    @staticmethod
    def of(state: Deployment) -> "DeploymentItem":
        return DeploymentItem(
            state.number,
            state.name,
            state.version,
            state.workspace,
            state.status,
            state.reason,
            len(state.replicas),
            [model.name for model in state.models],
            state.engine_config,
            state.created_at,
            state.updated_at,
            state.serving.version if state.desired else None,
        )


class Deployments(msgspec.Struct):
    deployments: list[DeploymentItem]


class InferenceUrl(msgspec.Struct):
    """It stays the same through all deployments of the pipeline."""

    url: str


class GetStatus(msgspec.Struct):
    """`name` is `<deploy_id>-<number of the deployment>`."""

    name: str


class PipelineStatus(msgspec.Struct):
    """`id` is the name of the pipeline."""

    id: str
    status: str
    version: UUID


class PipelineStatuses(msgspec.Struct):
    pipelines: list[PipelineStatus]


class ModelStatus(msgspec.Struct):
    model_version_id: int
    name: str
    sha: str
    status: str
    version: UUID

    @staticmethod
    def of(model: DeployedModel, status: Shown) -> "ModelStatus":
        return ModelStatus(model.number, model.name, model.sha, status, model.version)


class ModelStatuses(msgspec.Struct):
    models: list[ModelStatus]


class Engine(msgspec.Struct):
    """A replica."""

    ip: str | None
    name: str
    status: Shown
    reason: str | None
    details: list[str]
    pipeline_statuses: PipelineStatuses
    model_statuses: ModelStatuses


class LoadBalancer(msgspec.Struct):
    """The gateway that all requests come to."""

    ip: str | None
    name: str
    status: Shown
    reason: str | None
    details: list[str]


class Status(msgspec.Struct):
    """Of what was requested last. `details` say in words what is wrong, and whether an earlier
    version goes on serving; `engines` are the replicas of both. With no replica wanted, a
    deployment that scales to zero is Running: the next request starts one."""

    status: Shown
    details: list[str]
    engines: list[Engine]
    engine_lbs: list[LoadBalancer]
    sidekicks: list[str] = []

    @staticmethod
    def of(state: Deployment) -> "Status":
        revisions = {one.generation: one for one in (state.serving, state.current)}
        return Status(
            shown(state),
            _details(state),
            [
                _engine(state.name, revisions[one.generation], one)
                for one in state.replicas
                if one.generation in revisions
            ],
            [LoadBalancer(None, f"engine-lb-{state.number}", "Running", None, [])],
        )


def shown(state: Deployment) -> Shown:
    """As clients wait for it."""
    match state.status:
        case "running":
            return "Running"
        case "starting":
            return "Starting"
        case _:
            return "Error"


def _details(state: Deployment) -> list[str]:
    details = [state.reason] if state.reason and state.status != "running" else []
    current = [one for one in state.replicas if one.generation == state.generation]
    if state.status == "running" and state.reason and len(current) < state.scaling.least:
        details.append(f"{len(current)} of {state.scaling.least} replicas run: {state.reason}")
    if state.previous and state.status == "starting":
        details.append(f"version {state.previous.version} serves until this one has started")
    elif state.previous:
        details.append(f"version {state.previous.version} goes on serving")
    return details


def _engine(name: str, revision: Revision, replica: Replica) -> Engine:
    status: Shown = "Running"
    return Engine(
        None,
        f"engine-{replica.id}",
        status,
        None,
        [],
        PipelineStatuses([PipelineStatus(name, status, revision.version)]),
        ModelStatuses([ModelStatus.of(model, status) for model in revision.models]),
    )
