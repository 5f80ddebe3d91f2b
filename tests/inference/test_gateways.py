"""Several gateways serve one deployment."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from libs.domain.values import Scaling
from tests.executor.harness import ended
from tests.inference.front import BODY, Front, answer, ask, caller, load, request, slowly
from tests.inference.service import PATIENCE, Service


@pytest.fixture
def stopped_service(stopped_service: Service) -> Service:
    stopped_service.environment["RONDO_INFERENCE_GATEWAYS"] = "2"
    return stopped_service


async def gateways(service: Service) -> list[int]:
    """Their pids, once all of them are there."""
    assert service.process is not None
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [
                int(pid)
                for pid in children.read_text().split()
                if b"services.inference.gateway" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
            if len(found) == 2:
                return found
            await asyncio.sleep(0.02)


async def test_connections_are_dealt_out_to_all_gateways(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    for _ in range(6):
        async with caller(front) as (reader, writer):
            assert (await ask(reader, writer, deployed))[0] == 200

    assert len(stopped_service.permits.asked) == 3  # each gateway asks for itself


async def test_a_gateway_that_is_killed_is_started_again(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    for pid in await gateways(stopped_service):
        os.kill(pid, signal.SIGKILL)
        await ended(pid)

    assert len(await gateways(stopped_service)) == 2
    for _ in range(6):
        async with caller(front) as (reader, writer):
            assert (await ask(reader, writer, deployed))[0] == 200


async def test_after_an_undeploy_each_gateway_answers_404(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    callers = [await asyncio.open_connection("127.0.0.1", front.port) for _ in range(3)]
    for reader, writer in callers:
        assert (await ask(reader, writer, deployed))[0] == 200

    seq = await deployed.undeploy()
    await stopped_service.seen(seq)

    for reader, writer in callers:
        writer.write(request(deployed) + BODY)
        assert (await answer(reader))[0] == 404
        writer.close()


async def test_a_restart_under_load_refuses_and_loses_no_request(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    front.forwards = True

    async with load(front, deployed) as told:
        await told.more(100)
        await asyncio.to_thread(stopped_service.stop)
        await stopped_service.begin()
        await told.more(100)

    assert set(told.statuses) == {200}, told.refusals


async def test_a_gateway_that_is_to_end_refuses_and_loses_no_request(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    front.forwards = True
    assert len(await gateways(stopped_service)) == 2

    async with load(front, deployed) as told:
        for pid in await gateways(stopped_service):
            await told.more(100)
            os.kill(pid, signal.SIGTERM)
            await ended(pid)
        await told.more(100)

    assert set(told.statuses) == {200}, told.refusals


async def test_requests_behind_a_slow_one_of_another_gateway_go_to_a_free_replica(
    stopped_service: Service, front: Front, slow: Path
) -> None:
    deployed = await stopped_service.deploy("slow", slow, Scaling(least=2, most=2))
    await deployed.running(2)

    async with caller(front) as (_, stuck):
        stuck.write(slowly(deployed, 1e9))
        await deployed.under_way(1)
        for _ in range(12):
            async with caller(front) as (reader, writer):
                writer.write(slowly(deployed, 1.0))
                assert (await asyncio.wait_for(answer(reader), 30))[0] == 200
