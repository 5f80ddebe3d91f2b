"""How a deployment is to be served, as clients write it under `engine_config`."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from libs.domain.errors import Rejected
from libs.domain.values import ReplicaLimits, Scaling
from services.api.deployments.quantities import Quantity, positive, positive_bytes
from services.api.fields import ARCH
from services.api.http.decode import convert

_ENGINE = "engine_config.engine"
# Of an autoscaling that names only how many replicas: they are added above so many per cent of
# their processors, and ended below half of that.
_CPU_UTILIZATION = 80.0
_GPUS = ("gpu", "qualcomm.com/qaic")


class Resources(msgspec.Struct):
    """By the names of Kubernetes: cpu, memory, nvidia.com/gpu, ..."""

    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class Autoscale(msgspec.Struct):
    """Without `replica_max` there is none. A depth of the queue counts more than `type`, which
    clients write according to what was said last."""

    replica_max: int | None = None
    replica_min: int = 0
    type: Literal["cpu", "queue"] | None = None
    cpu_utilization: float | None = None
    scale_up_queue_depth: float | None = None
    scale_down_queue_depth: float | None = None
    autoscaling_window: float | None = None


class Component(msgspec.Struct):
    """A process of a kind: the engine, or what runs beside it."""

    resources: Resources | None = None
    arch: str | None = None
    accel: str | dict[str, Any] | None = None
    image: str | None = None
    gpu: Quantity | None = None


class Engine(Component):
    cpu: Quantity | None = None
    replicas: int | None = None
    autoscale: Autoscale | None = None


class Images(msgspec.Struct):
    images: dict[str, Component] = {}


class EngineConfig(msgspec.Struct, rename={"engine_aux": "engineAux"}):
    """What else clients write (load balancers, labels of nodes) means nothing here."""

    engine: Engine = msgspec.field(default_factory=Engine)
    engine_aux: Images = msgspec.field(default_factory=Images)


class _Body(msgspec.Struct):
    engine_config: EngineConfig


def parse(given: Mapping[str, Any]) -> tuple[Scaling, ReplicaLimits]:
    """Rejected("invalid") names the field that is malformed, or asks for what is not here."""
    config = convert(_Body, {"engine_config": given}).engine_config
    _check_component(_ENGINE, config.engine)
    for name, image in config.engine_aux.images.items():
        _check_component(f"engine_config.engineAux.images.{name}", image)
    return _scaling(config.engine), _limits(config.engine)


def _check_component(field: str, component: Component) -> None:
    if component.image:
        raise Rejected("invalid", f"{field}.image: no images run here; leave it out")
    if component.arch not in (None, "", ARCH):
        raise Rejected(
            "invalid", f"{field}.arch: {component.arch!r} does not run here; give {ARCH!r}"
        )
    if component.accel not in (None, "", "none"):
        raise Rejected(
            "invalid", f"{field}.accel: there is no accelerator of any kind here; give 'none'"
        )
    resources = component.resources or Resources()
    gpus = {"gpu": component.gpu} | resources.limits | resources.requests
    if any(amount not in (None, 0) for name, amount in gpus.items() if _is_gpu(name)):
        raise Rejected("invalid", f"{field}.gpu: there are no GPUs here; leave it out")


def _is_gpu(name: str) -> bool:
    return name.endswith(_GPUS) or name.startswith("gpu.")


def _limits(engine: Engine) -> ReplicaLimits:
    resources = engine.resources or Resources()
    cpus = engine.cpu if engine.cpu is not None else _resource(resources, "cpu")
    memory = _resource(resources, "memory")
    return ReplicaLimits(
        cpus=1.0 if cpus is None else positive(f"{_ENGINE}.cpu", cpus),
        memory_bytes=None
        if memory is None
        else positive_bytes(f"{_ENGINE}.resources.limits.memory", memory),
    )


def _resource(resources: Resources, name: str) -> Quantity | None:
    return resources.limits.get(name, resources.requests.get(name))


def _scaling(engine: Engine) -> Scaling:
    auto = engine.autoscale
    if auto is None or auto.replica_max is None:
        replicas = 1 if engine.replicas is None else engine.replicas
        return Scaling(least=replicas, most=replicas)
    ends = {"least": auto.replica_min, "most": auto.replica_max}
    window = Scaling().window if auto.autoscaling_window is None else auto.autoscaling_window
    if not 0 < window <= 24 * 3600:
        raise Rejected(
            "invalid", f"{_ENGINE}.autoscale.autoscaling_window: give 1 to 86400 seconds"
        )
    if auto.scale_up_queue_depth is None:
        up = _CPU_UTILIZATION if auto.cpu_utilization is None else auto.cpu_utilization
        _check_thresholds("cpu_utilization", up, 0)
        return Scaling(**ends, metric="cpu", scale_up=up, scale_down=up / 2, window=window)
    up = auto.scale_up_queue_depth
    down = min(1.0, up) if auto.scale_down_queue_depth is None else auto.scale_down_queue_depth
    _check_thresholds("scale_up_queue_depth", up, down)
    return Scaling(**ends, metric="queue", scale_up=up, scale_down=down, window=window)


def _check_thresholds(name: str, up: float, down: float) -> None:
    if not 0 <= down <= up or up <= 0:
        raise Rejected(
            "invalid",
            f"{_ENGINE}.autoscale.{name}: give more than 0, and no less than what scales down",
        )
