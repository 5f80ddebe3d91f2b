"""Bodies and answers of the routes for models: names and order of the MLOps API."""

from typing import Literal

import msgspec

from libs.domain import values
from libs.domain.model_version import ModelVersion

# The runtime of what is served here, as clients know it: in the engine, not in a container.
RUNTIME = "onnx"
Status = Literal["pending_load_native", "ready", "error"]


_STATUSES: dict[str, Status] = {
    "pending": "pending_load_native",
    "ready": "ready",
    "error": "error",
    "deleted": "error",
}


def status(state: ModelVersion) -> Status:
    """As clients know it."""
    return _STATUSES[state.status]


class Batching(msgspec.Struct, kw_only=True):
    """Small requests wait for others, to be run together."""

    max_batch_delay_ms: int = 10
    batch_size_target: int = 4
    batch_size_limit: int | None = None


def batching(state: values.Batching | None) -> Batching | None:
    return None if state is None else Batching(**msgspec.structs.asdict(state))
