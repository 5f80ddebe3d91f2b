"""The service or one of its gateways is to end: what is under way is answered, the rest waits."""

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.inference.front import Front, answer, caller, load, slowly
from tests.inference.service import Service

SOME_TIME = 3e5  # rounds of the slow model: a second, or some


async def test_a_request_under_way_is_answered_and_its_connection_goes_back(
    stopped_service: Service, front: Front, slow: Path
) -> None:
    deployed = await stopped_service.deploy("slow", slow)
    await deployed.running()
    process = stopped_service.process
    assert process is not None

    async with caller(front) as (reader, writer), caller(front) as (idle, other):
        other.write(slowly(deployed, 1.0))
        assert (await answer(idle))[0] == 200
        writer.write(slowly(deployed, SOME_TIME))
        await deployed.under_way(1)
        process.send_signal(signal.SIGTERM)
        status, head, _ = await answer(reader)
        assert (status, b"close" in head) == (200, False)
        assert await asyncio.to_thread(process.wait, 30) == 0
        for connection, answers in ((writer, reader), (other, idle)):
            connection.write(b"GET /v1/other HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await answer(answers))[2] == b"from the front"


async def test_a_request_that_takes_longer_than_the_grace_is_cut_off(
    stopped_service: Service, slow: Path
) -> None:
    await stopped_service.start(RONDO_INFER_GRACE="0.5")
    deployed = await stopped_service.deploy("slow", slow)
    await deployed.running()
    call = asyncio.create_task(deployed.infer([{"input": [1e9]}]))
    await deployed.under_way(1)

    began = time.monotonic()
    await asyncio.to_thread(stopped_service.stop)

    assert time.monotonic() - began < 20  # seconds; the model would take hours
    assert stopped_service.process is not None
    assert stopped_service.process.returncode == 0
    await asyncio.gather(call, return_exceptions=True)


async def test_a_restart_under_load_refuses_and_loses_no_request(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    front.forwards = True

    async with load(front, deployed) as told:
        for _ in range(2):
            await told.more(100)
            await asyncio.to_thread(stopped_service.stop)
            await stopped_service.begin()
        await told.more(100)

    assert set(told.statuses) == {200}, told.refusals
    assert set(await deployed.ends()) == {"service_stopped"}


async def test_a_manager_that_signals_all_processes_loses_no_request(
    stopped_service: Service, front: Front, slow: Path
) -> None:
    deployed = await stopped_service.deploy("slow", slow)
    await deployed.running()
    process = stopped_service.process
    assert process is not None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert set(map(str, await deployed.pids())) < set(children)

    async with caller(front) as (reader, writer):
        writer.write(slowly(deployed, SOME_TIME))
        await deployed.under_way(1)
        for pid in [process.pid, *map(int, children)]:
            os.kill(pid, signal.SIGTERM)
        assert (await answer(reader))[0] == 200
    assert await asyncio.to_thread(process.wait, 30) == 0
