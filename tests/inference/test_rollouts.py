"""A deployment that can't be served: what the log says of it, and what answers, agree."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from libs.domain.deployment import Deployment
from libs.domain.values import ReplicaLimits, Scaling
from tests.inference.load import ROWS, load
from tests.inference.service import Deployed, Service

TWO = Scaling(least=2, most=2)
TOO_LITTLE = ReplicaLimits(memory_bytes=8 << 20)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model at all")
    return path


def generations(state: Deployment) -> list[int]:
    return [one.generation for one in state.replicas]


async def answers(deployed: Deployed) -> None:
    status, answer = await deployed.infer(ROWS)
    assert (status, answer[0]["out"]) == (200, {"variable": [14.1]}), answer


async def failed(deployed: Deployed) -> Deployment:
    return await deployed.until(lambda one: one.status == "error")


async def test_a_first_deployment_that_fails_answers_with_the_reason_at_once(
    service: Service, broken: Path
) -> None:
    deployed = await service.deploy("houses", broken)
    waiting = asyncio.create_task(deployed.infer(ROWS, timeout=20))

    state = await failed(deployed)

    assert "can't be loaded" in state.reason
    for status, answer in (await waiting, await deployed.infer(ROWS, timeout=20)):
        assert status == 500
        assert state.reason in answer["error"]
    assert await deployed.pids() == []


@pytest.mark.parametrize("mib", [1, 30])
async def test_memory_that_is_too_small_is_named_with_what_is_enough(
    service: Service, linear: Path, mib: int
) -> None:
    little = ReplicaLimits(memory_bytes=mib << 20)
    reason = (await failed(await service.deploy("houses", linear, limits=little))).reason

    assert "the memory of the deployment is too small" in reason
    assert f"may have {mib} MiB; deploy it with more" in reason
    (enough,) = re.findall(r'such as memory="(\d+)Mi"', reason)
    limits = ReplicaLimits(memory_bytes=int(enough) << 20)
    deployed = await service.deploy("houses", linear, limits=limits)
    await deployed.running()
    await answers(deployed)


@pytest.mark.parametrize("why", ["broken", "memory"])
async def test_a_redeploy_that_fails_leaves_what_was_served(
    service: Service, linear: Path, broken: Path, why: str
) -> None:
    deployed = await service.deploy("houses", linear, TWO)
    await deployed.running(2)

    async with load(deployed) as told:
        model, limits = (broken, None) if why == "broken" else (linear, TOO_LITTLE)
        again = await service.deploy("houses", model, TWO, limits)
        state = await failed(again)
        await told.more(50)

    assert set(told.statuses) == {200}
    assert not told.wrong
    assert (state.generation, generations(state)) == (2, [1, 1])
    assert state.serving.version == deployed.version
    assert ("can't be loaded" if why == "broken" else "8 MiB") in state.reason


async def test_what_goes_on_serving_is_kept_as_it_was_deployed(
    service: Service, linear: Path, broken: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    await service.deploy("houses", broken)
    reason = (await failed(deployed)).reason

    (pid,) = await deployed.pids()
    os.kill(pid, signal.SIGKILL)
    await answers(deployed)
    await deployed.started(2)
    await asyncio.to_thread(service.stop)
    await service.start()
    await answers(deployed)
    await deployed.started(3)

    state = await deployed.state()
    assert (state.status, state.reason, generations(state)) == ("error", reason, [1])
    assert set(await deployed.ends()) == {"crashed", "service_stopped"}


async def test_a_service_that_starts_amid_a_rollout_serves_the_version_before(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    (pid,) = await deployed.pids()
    await asyncio.to_thread(service.stop)
    await service.deploy("houses", linear, limits=TOO_LITTLE)  # nobody is there to fail it
    await service.start()

    await failed(deployed)
    await answers(deployed)
    assert pid not in await deployed.pids()
    assert generations(await deployed.until(lambda one: len(one.replicas) == 1)) == [1]


async def test_a_version_that_can_be_served_replaces_what_went_on(
    service: Service, linear: Path, broken: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    await service.deploy("houses", broken)
    await failed(deployed)

    async with load(deployed, 2) as told:
        await service.deploy("houses", linear)
        state = await deployed.until(
            lambda one: one.status == "running" and generations(one) == [3]
        )
        await told.more(20)

    assert set(told.statuses) == {200}
    assert state.previous is None
    assert await deployed.ends() == ["replaced"]


async def test_what_goes_on_serving_ends_with_an_undeploy(
    service: Service, linear: Path, broken: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    await service.deploy("houses", broken)
    await failed(deployed)

    await service.seen(await deployed.undeploy())

    assert (await deployed.infer(ROWS))[0] == 404
    await deployed.until(lambda one: not one.replicas)
