"""What events say with more than a number or a text: their words, and what belongs together.

Stored and published with the events, so changed as they are: by optional fields only.
"""

from typing import Literal
from uuid import UUID

import msgspec

Role = Literal["owner", "collaborator"]
Kind = Literal["once", "scheduled", "continuous"]
Misfire = Literal["latest", "all", "none"]
Overlap = Literal["allow", "skip", "queue"]
RunEnd = Literal["success", "failure", "timed_out", "killed"]
Mode = Literal["fork", "exec"]
SubscriptionKind = Literal["webhook", "nats"]
ScalingMetric = Literal["cpu", "queue"]
ReplicaEnd = Literal[
    "replaced",  # by one of a later deployment
    "scaled_down",  # fewer are needed
    "idle",  # none is needed until the next request
    "undeployed",
    "crashed",
    "out_of_memory",
    "start_failed",
    "service_stopped",
]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a scheduled task is due, and what happens to ticks that can't run in time.

    `misfire` says what becomes of ticks that passed while nobody could fire them: `latest` runs
    the last of them, `all` runs each (at most `misfire_cap`, the newest), `none` runs none.
    `overlap` says what a tick does while an earlier run is still open: `allow`, `skip` or `queue`.
    """

    expression: str
    zone: str = "UTC"
    misfire: Misfire = "latest"
    misfire_cap: int = 100
    overlap: Overlap = "allow"


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that ends in failure or timed_out is asked for again, as a new run.

    At most `attempts` runs in all; `backoff` seconds before the second, doubling from there.
    """

    attempts: int = 1
    backoff: float = 1.0


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a run's processes used: CPU seconds, and bytes of memory at the peak."""

    cpu_seconds: float = 0.0
    max_rss_bytes: int = 0


class TensorSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An input or output of a model: ONNX's element type (`float`, `int64`, ...), and the shape, in
    which None is a size that the request chooses."""

    name: str
    dtype: str
    shape: list[int | None] = []


class Batching(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Small requests wait `max_batch_delay_ms` for others, to be run together up to
    `batch_size_target` rows; one of more than `batch_size_limit` rows is refused."""

    max_batch_delay_ms: int = 10
    batch_size_target: int = 4
    batch_size_limit: int | None = None


class DeployedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model version as a deployment uses it: with the config of the time of the deployment.

    `number` and `config` are the integers by which the wire knows version and config. `threads` is
    how many the runtime uses for one request: sums of trees depend on it, so it is recorded.
    """

    name: str
    version: UUID
    number: int
    config: int
    sha: str
    blob: str
    framework: str
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    tensor_fields: list[str] = []
    threads: int = 1
    trees: bool = False
    batching: Batching | None = None
    environment: str = ""


class Scaling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many replicas: `least` to `most`. With `metric` "queue" there is one more as soon as more
    than `scale_up` requests a replica are queued or running, over `window` seconds, and one less
    below `scale_down`; with "cpu" the figures are per cent of the replica's cpus."""

    least: int = 1
    most: int = 1
    metric: ScalingMetric = "queue"
    scale_up: float = 5.0
    scale_down: float = 1.0
    window: float = 300.0


class ReplicaLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one replica may use: processors, and bytes of memory (none: no limit)."""

    cpus: float = 1.0
    memory_bytes: int | None = None
