"""From none to some to none, and as many as the load asks for."""

import asyncio
from pathlib import Path

from libs.domain.values import Scaling
from services.inference.control.scaling import Scaler
from tests.inference.load import ROWS
from tests.inference.service import Service

NONE_OR_ONE = Scaling(least=0, most=1, window=0.3)


async def test_an_idle_pipeline_has_no_process_and_wakes_for_a_request(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear, NONE_OR_ONE)
    state = await deployed.until(lambda one: one.status == "running" and not one.replicas)
    assert await deployed.ends() == ["idle"]
    assert state.deployed
    assert await deployed.pids() == []

    status, answer = await deployed.infer(ROWS)

    assert status == 200, answer
    await deployed.until(lambda one: one.status == "running" and not one.replicas)
    assert set(await deployed.ends()) == {"idle"}


async def test_an_idle_pipeline_is_not_started_with_the_service(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear, NONE_OR_ONE)
    await deployed.until(lambda one: one.status == "running" and not one.replicas)
    await asyncio.to_thread(service.stop)
    await service.start()
    assert await deployed.starts() == 1

    assert (await deployed.infer(ROWS))[0] == 200
    await deployed.started(2)  # the log hears of it after who asked
    assert await deployed.starts() == 2


async def test_a_queue_brings_another_replica_and_its_end_takes_it_away(
    service: Service, slow: Path
) -> None:
    deployed = await service.deploy(
        "slow", slow, Scaling(least=1, most=2, scale_up=2, scale_down=1, window=0.5)
    )
    await deployed.running()

    calls = [asyncio.create_task(deployed.infer([{"input": [1e9]}])) for _ in range(8)]
    await deployed.running(2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)

    await deployed.running(1)
    assert await deployed.ends() == ["scaled_down"]


def test_it_scales_by_the_mean_of_the_window() -> None:
    scaler = Scaler(Scaling(least=1, most=3, scale_up=5, scale_down=1, window=10), 0.0, 1)
    for second in range(1, 10):
        scaler.sample(20.0, 0.0, float(second))
    assert scaler.target == 1  # the window is not over
    scaler.sample(20.0, 0.0, 10.0)
    assert scaler.target == 2
    for second in range(11, 41):
        scaler.sample(20.0, 0.0, float(second))
    assert scaler.target == 3  # and never more
    for second in range(41, 51):
        scaler.sample(0.5, 0.0, float(second))
    assert scaler.target == 2


def test_only_where_none_may_be_enough_there_is_none() -> None:
    one, none = (Scaler(Scaling(least=least, most=2, window=10), 0.0, 1) for least in (1, 0))
    for scaler in (one, none):
        scaler.sample(0.0, 0.0, 9.0)
        assert scaler.target == 1
        scaler.sample(0.0, 0.0, 10.0)
    assert (one.target, none.target) == (1, 0)
    none.wake(11.0)
    assert none.target == 1
    none.sample(0.0, 15.0, 21.0)  # the last request was 6 s ago
    assert none.target == 1
