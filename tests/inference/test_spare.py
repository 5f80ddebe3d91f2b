"""The spare is there once there are models. It stands still or is killed: replicas are started all
the same, and others go on."""

import asyncio
import os
import signal
from pathlib import Path

from tests.inference.load import ROWS, load
from tests.inference.service import Service


async def spare(service: Service, other_than: int = 0) -> int:
    """Its pid, once there is one."""
    return await service.child("rondo inference spare", other_than)


async def test_without_models_there_is_none_and_the_first_deployment_brings_it(
    service: Service, linear: Path
) -> None:
    assert service.children("rondo inference spare") == []
    deployed = await service.deploy("houses", linear)
    assert (await deployed.infer(ROWS))[0] == 200
    assert await spare(service)


async def test_one_that_stands_still_is_ended_and_others_answer_meanwhile(
    service: Service, linear: Path
) -> None:
    deployed, other = [await service.deploy(name, linear) for name in ("houses", "flats")]
    for one in (deployed, other):
        await one.running()
    stopped = await spare(service)
    os.kill(stopped, signal.SIGSTOP)

    async with load(other) as answers:
        (pid,) = await deployed.pids()
        os.kill(pid, signal.SIGKILL)
        answered = asyncio.create_task(deployed.infer(ROWS))
        await answers.more(20)
        assert not answered.done()
        assert (await answered)[0] == 200

    assert set(answers.statuses) == {200}
    assert await spare(service, other_than=stopped)
    assert await deployed.ends() == ["crashed"]


async def test_without_one_a_replica_starts_as_soon_as_there_is_another(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()

    os.kill(await spare(service), signal.SIGKILL)
    (pid,) = await deployed.pids()
    os.kill(pid, signal.SIGKILL)

    assert (await deployed.infer(ROWS))[0] == 200
    await deployed.running()
    assert await deployed.ends() == ["crashed"]
