"""What clients write under `engine_config`, as scaling and limits; and what can't run here."""

from typing import Any

import pytest

from libs.domain.errors import Rejected
from libs.domain.values import ReplicaLimits, Scaling
from services.api.deployments.engine_config import parse
from services.api.deployments.quantities import positive, positive_bytes
from services.api.fields import ARCH


def engine(**fields: Any) -> dict[str, Any]:
    return {"engine": fields, "enginelb": {}, "engineAux": {"images": {}}, "workspace_id": 1}


def autoscaled(**fields: Any) -> Scaling:
    return parse(engine(autoscale=fields))[0]


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("1Gi", 1 << 30),
        ("512Mi", 512 << 20),
        ("1.5Ki", 1536),
        ("1k", 1000),
        ("2M", 2_000_000),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("100m", 1),
        (".5G", 500_000_000),
        (123, 123),
        (1e6, 1_000_000),
    ],
)
def test_memory_is_read_as_kubernetes_reads_it(given: Any, size: int) -> None:
    assert positive_bytes("memory", given) == size


@pytest.mark.parametrize(("given", "cpus"), [(0.5, 0.5), (2, 2.0), ("500m", 0.5), ("1", 1.0)])
def test_cpus_may_be_parts_of_one(given: Any, cpus: float) -> None:
    assert positive("cpu", given) == cpus


@pytest.mark.parametrize(
    "given", ["", "Gi", "1 Gi", "1gi", "1Gib", "0", "-1", "1e999999999", "٣", "nan", "1" * 99, True]
)
def test_what_is_no_quantity_is_refused_by_its_field(given: Any) -> None:
    with pytest.raises(Rejected, match=r"^some\.field: "):
        positive("some.field", given)


def test_nothing_said_is_one_replica_with_one_cpu() -> None:
    assert parse({}) == (Scaling(least=1, most=1), ReplicaLimits())


def test_what_the_builder_of_the_published_sdk_writes() -> None:
    amounts = {"cpu": 0.5, "memory": "1Gi"}
    given = engine(
        replicas=2,
        cpu=0.5,
        resources={"limits": amounts, "requests": amounts},
        arch=ARCH,
        accel="none",
        node_selector="role: inference",
        python={"load_timeout_millis": 1000},
    )
    limits = ReplicaLimits(cpus=0.5, memory_bytes=1 << 30)
    assert parse(given) == (Scaling(least=2, most=2), limits)


def test_autoscaling_by_cpu_begins_at_no_replica() -> None:
    assert autoscaled(replica_max=5, replica_min=0, type="cpu", cpu_utilization=75) == Scaling(
        least=0, most=5, metric="cpu", scale_up=75, scale_down=37.5, window=300
    )
    assert autoscaled(replica_max=5, type="cpu").scale_up == 80


def test_a_depth_of_the_queue_counts_whatever_was_said_later() -> None:
    said = {"replica_max": 3, "replica_min": 1, "type": "cpu", "scale_up_queue_depth": 5}
    assert autoscaled(**said, scale_down_queue_depth=2, autoscaling_window=60) == Scaling(
        least=1, most=3, metric="queue", scale_up=5, scale_down=2, window=60
    )
    assert autoscaled(**said).scale_down == 1
    assert autoscaled(**said | {"scale_up_queue_depth": 0.5}).scale_down == 0.5


def test_autoscaling_without_a_largest_number_is_none() -> None:
    assert autoscaled(cpu_utilization=75) == Scaling(least=1, most=1)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (engine(gpu=1), "engine_config.engine.gpu"),
        (engine(resources={"limits": {"nvidia.com/gpu": 1}}), "engine_config.engine.gpu"),
        (engine(resources={"requests": {"gpu.intel.com/i915": 1}}), "engine_config.engine.gpu"),
        (engine(arch="power10"), "engine_config.engine.arch"),
        (engine(accel="cuda"), "engine_config.engine.accel"),
        (engine(accel={"qaic": {}}), "engine_config.engine.accel"),
        (engine(image="some/image"), "engine_config.engine.image"),
        (
            {"engineAux": {"images": {"m-1": {"resources": {"limits": {"nvidia.com/gpu": 1}}}}}},
            "engine_config.engineAux.images.m-1.gpu",
        ),
        (engine(cpu="much"), "engine_config.engine.cpu"),
        (engine(cpu=[]), "engine_config.engine.cpu"),
        (engine(resources={"limits": {"memory": "1 GB"}}), "engine_config.engine.resources"),
        (engine(replicas="two"), "engine_config.engine.replicas"),
        (engine(autoscale={"replica_max": 2, "autoscaling_window": 0}), "engine_config.engine"),
        (engine(autoscale={"replica_max": 2, "cpu_utilization": 0}), "engine_config.engine"),
        ({"engine": []}, "engine_config.engine"),
    ],
)
def test_what_can_never_run_here_is_refused_by_its_field(given: Any, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(given)
    assert refused.value.code == "invalid"
    assert refused.value.message.startswith(field)


def test_no_gpu_asked_for_is_no_gpu() -> None:
    assert parse(engine(gpu=0, resources={"limits": {"nvidia.com/gpu": 0}}))[1] == ReplicaLimits()
