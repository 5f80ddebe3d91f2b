"""A version of a model: an uploaded file, probed before it can be deployed, and its configs.

A config is how deployments use it; each is kept, and a deployment takes the newest of its time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import (
    ModelVersionConfigured,
    ModelVersionDeleted,
    ModelVersionEvent,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionReady,
    ModelVersionTagged,
    ModelVersionUntagged,
    ModelVersionUploaded,
)
from libs.domain.history import Happened, existing
from libs.domain.model import check_name
from libs.domain.tag import check_tags
from libs.domain.transitions import Transition, Transitions
from libs.domain.values import Batching, TensorSpec

Status = Literal["pending", "ready", "error", "deleted"]
TRANSITIONS: Transitions[Status] = Transitions(
    Transition(ModelVersionUploaded, (), ("pending",)),
    Transition(ModelVersionReady, ("pending",), ("ready",)),
    Transition(ModelVersionFailed, ("pending",), ("error",)),
    Transition(ModelVersionDeleted, ("pending", "ready", "error"), ("deleted",)),
)
# What can be served, as uploads say it; more comes with whoever builds it.
FRAMEWORKS = ("onnx", "python", "custom", "sklearn", "xgboost")
ARCHIVES = ("python", "custom")  # ZIPs of Python, perhaps with a requirements.txt
# What runs them, unless the upload names other versions; an environment's lock has exact ones.
# `xgboost-cpu` is xgboost without the libraries for other processors, which are 300 MB.
REQUIREMENTS = {
    "sklearn": ("scikit-learn>=1.6,<1.10", "skops>=0.13,<0.17"),
    "xgboost": ("xgboost-cpu>=3,<4", "scikit-learn>=1.6,<1.10"),
}
_NEED_SCHEMAS = (*ARCHIVES, *REQUIREMENTS)  # nobody else says what their inputs and outputs are
_EXPORTS = {"keras": "tf2onnx", "tensorflow": "tf2onnx", "pytorch": "torch.onnx.export"}
ACCELERATIONS = ("none",)
MAX_CONFIGS = 1000
MAX_CONVERSION_BYTES = 16 << 10


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it: the place of its event. The first one of
    a version comes with the upload."""

    number: int
    tensor_fields: list[str] = []
    batching: Batching | None = None
    filter_threshold: float | None = None
    batch_config: str = ""
    input_schema: str = ""
    output_schema: str = ""


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the integer by which the wire knows it, `model` the id of its model. `configs`
    are oldest first, never empty; `tags` are ids."""

    id: UUID
    number: int
    workspace: int
    model: UUID
    name: str
    owner: str
    file_name: str
    file_size: int
    sha: str
    blob: str
    framework: str
    conversion: dict[str, Any]
    status: Status
    created_at: datetime
    updated_at: datetime
    configs: list[Config]
    inputs: list[TensorSpec] = []
    outputs: list[TensorSpec] = []
    trees: bool = False
    environment: str = ""
    reason: str = ""
    tags: list[UUID] = []

    @property
    def config(self) -> Config:
        """The newest, which a deployment would take."""
        return self.configs[-1]


def evolve(state: ModelVersion | None, fact: Happened) -> ModelVersion:
    """The version after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    if isinstance(fact.event, ModelVersionUploaded):
        return _uploaded(fact.event, fact)
    known = existing(state, type(fact.event).__name__)
    match fact.event:
        case ModelVersionReady() as event:
            changes = {
                "status": "ready",
                "inputs": event.inputs,
                "outputs": event.outputs,
                "trees": event.trees,
                "environment": event.environment,
            }
        case ModelVersionPackaged(environment=environment):
            changes = {"environment": environment}
        case ModelVersionFailed(reason=reason):
            changes = {"status": "error", "reason": reason}
        case ModelVersionConfigured() as event:
            changes = {"configs": [*known.configs, _config(event, fact.seq)]}
        case ModelVersionTagged(tag=tag):
            changes = {"tags": [*known.tags, tag]}
        case ModelVersionUntagged(tag=tag):
            changes = {"tags": [each for each in known.tags if each != tag]}
        case ModelVersionDeleted():
            changes = {"status": "deleted"}
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a model version")
    return msgspec.structs.replace(known, updated_at=fact.at, **changes)


def _uploaded(event: ModelVersionUploaded, fact: Happened) -> ModelVersion:
    first = Config(
        number=fact.seq, input_schema=event.input_schema, output_schema=event.output_schema
    )
    return ModelVersion(
        id=UUID(fact.stream.id),
        number=fact.seq,
        workspace=fact.stream.workspace,
        model=event.model,
        name=event.name,
        owner=fact.actor,
        file_name=event.file_name,
        file_size=event.file_size,
        sha=event.sha,
        blob=event.blob,
        framework=event.framework,
        conversion=event.conversion,
        status="pending",
        created_at=fact.at,
        updated_at=fact.at,
        configs=[first],
    )


def _config(event: ModelVersionConfigured, number: int) -> Config:
    return Config(
        number=number,
        tensor_fields=event.tensor_fields,
        batching=event.batching,
        filter_threshold=event.filter_threshold,
        batch_config=event.batch_config,
        input_schema=event.input_schema,
        output_schema=event.output_schema,
    )


def upload(order: ModelVersionUploaded, arch: str) -> list[ModelVersionEvent]:
    """`arch` is that of the machines which serve. Rejected("invalid") for what can't be served."""
    check_name("name", order.name)
    _check_framework(order.framework)
    _check_supported("arch", order.conversion.get("arch") or arch, (arch,))
    _check_supported("accel", order.conversion.get("accel") or "none", ACCELERATIONS)
    if order.framework in _NEED_SCHEMAS and not (order.input_schema and order.output_schema):
        missing = "output_schema" if order.input_schema else "input_schema"
        raise Rejected(
            "invalid",
            f"{missing}: a model of framework {order.framework} needs both schemas; give them as"
            " Arrow serializes them, in base64",
        )
    if len(msgspec.json.encode(order.conversion)) > MAX_CONVERSION_BYTES:
        raise Rejected("invalid", f"conversion: more than {MAX_CONVERSION_BYTES} bytes; say less")
    if order.file_size == 0:
        raise Rejected("invalid", "file: it is empty; send the model")
    return [order]


def _check_framework(framework: str) -> None:
    """Those that can't be served have a way to ONNX."""
    if framework in FRAMEWORKS:
        return
    tool = _EXPORTS.get(framework)
    if framework.startswith("hugging-face"):
        tool = "optimum.exporters.onnx"
    try:
        _check_supported("framework", framework, FRAMEWORKS)
    except Rejected as refusal:
        remedy = f"; export it to ONNX by {tool}, and upload that" if tool else ""
        raise Rejected(refusal.code, refusal.message + remedy) from None


def _check_supported(field: str, value: object, supported: Sequence[str]) -> None:
    if value not in supported:
        raise Rejected(
            "invalid",
            f"conversion.{field}: {str(value)[:40]!r} is not served here; supported:"
            f" {', '.join(supported)}",
        )


def packaged(state: ModelVersion, outcome: ModelVersionEvent) -> list[ModelVersionEvent]:
    """`outcome` is ModelVersionPackaged or ModelVersionFailed. Nothing to say when another build
    has come to an end before, or the version is deleted."""
    return [outcome] if state.status == "pending" and not state.environment else []


def probed(state: ModelVersion, outcome: ModelVersionEvent) -> list[ModelVersionEvent]:
    """`outcome` is ModelVersionReady or ModelVersionFailed. Nothing to say when another probe has
    come to an end before, or the version is deleted."""
    return [outcome] if TRANSITIONS.allow(state.status, type(outcome)) else []


def configure(state: ModelVersion, order: ModelVersionConfigured) -> list[ModelVersionEvent]:
    """A new config, also if it says what the last one says.

    Rejected("invalid") if the model has other inputs, "conflict" after MAX_CONFIGS of them.
    """
    _must_be_there(state)
    if len(state.configs) >= MAX_CONFIGS:
        raise Rejected(
            "conflict",
            f"model_version_id: version {state.number} has {MAX_CONFIGS} configs; upload it again",
        )
    fields = order.tensor_fields
    if fields and state.status == "ready" and len(fields) != len(state.inputs):
        names = ", ".join(each.name for each in state.inputs)
        raise Rejected(
            "invalid",
            f"tensor_fields: {len(fields)} columns for {len(state.inputs)} inputs ({names}); name"
            " one column for each",
        )
    _check_batching(order.batching)
    return [order]


def _check_batching(batching: Batching | None) -> None:
    if batching is None:
        return
    limit = batching.batch_size_limit
    if batching.max_batch_delay_ms < 0 or batching.batch_size_target < 1:
        raise Rejected(
            "invalid",
            "dynamic_batching_config: max_batch_delay_ms is 0 or more, batch_size_target 1 or more",
        )
    if limit is not None and limit < batching.batch_size_target:
        raise Rejected(
            "invalid",
            "dynamic_batching_config: batch_size_limit is below batch_size_target; raise it",
        )


def tag(state: ModelVersion, id: UUID) -> list[ModelVersionEvent]:
    """Nothing to do if it is on it. Rejected("conflict") if there are too many."""
    _must_be_there(state)
    check_tags(state.tags, id)
    return [] if id in state.tags else [ModelVersionTagged(tag=id)]


def untag(state: ModelVersion, id: UUID) -> list[ModelVersionEvent]:
    """Nothing to do if it is not on it."""
    return [ModelVersionUntagged(tag=id)] if id in state.tags else []


def delete(state: ModelVersion) -> list[ModelVersionEvent]:
    """Deleting twice is deleting once."""
    return [] if state.status == "deleted" else [ModelVersionDeleted()]


def _must_be_there(state: ModelVersion) -> None:
    if state.status == "deleted":
        raise Rejected(
            "not_found", f"model_version_id: version {state.number} is deleted; upload it again"
        )
