"""Replicas die, fail to start, are replaced: who calls does not notice, and the log says why."""

import asyncio
import os
import signal
from pathlib import Path

from libs.domain.values import ReplicaLimits, Scaling
from tests.inference import models
from tests.inference.load import ROWS, load
from tests.inference.service import Service
from tests.servers import NatsServer

TWO = Scaling(least=2, most=2)


async def test_no_request_fails_when_a_replica_is_killed(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear, TWO)
    await deployed.running(2)

    async with load(deployed) as answers:
        pid, _ = await deployed.pids()
        os.kill(pid, signal.SIGKILL)
        await answers.more(200)
        await deployed.until(lambda one: "SIGKILL" in one.reason)
        await deployed.running(2)
        await answers.more(50)

    assert set(answers.statuses) == {200}
    assert not answers.wrong
    assert await deployed.ends() == ["crashed"]


async def test_requests_wait_while_the_only_replica_is_started_again(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()

    async with load(deployed, 2) as answers:
        for starts in (2, 3):
            (pid,) = await deployed.pids()
            os.kill(pid, signal.SIGKILL)
            await deployed.started(starts)
            await answers.more(20)

    assert set(answers.statuses) == {200}
    assert not answers.wrong


async def test_a_replica_is_replaced_while_the_log_is_away(
    service: Service, nats_process: NatsServer, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    first = (await deployed.running()).replicas[0].id

    async with load(deployed) as answers:
        nats_process.stop()
        for _ in range(2):
            (pid,) = await deployed.pids()
            os.kill(pid, signal.SIGKILL)
            await answers.more(50)
        nats_process.start()

    assert set(answers.statuses) == {200}
    await deployed.until(lambda one: [each.id for each in one.replicas] not in ([], [first]))
    assert set(await deployed.ends()) == {"crashed"}
    assert await deployed.starts() - len(await deployed.ends()) == 1


async def test_a_redeploy_replaces_replicas_without_a_refused_request(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear, TWO)
    await deployed.running(2)
    before = await deployed.pids()

    async with load(deployed) as answers:
        again = await service.deploy("houses", linear, TWO)
        await again.until(
            lambda one: one.generation == 2 and {each.generation for each in one.replicas} == {2}
        )
        await again.running(2)
        await answers.more(50)

    assert set(answers.statuses) == {200}
    assert not set(before) & set(await again.pids())
    assert await again.ends() == ["replaced", "replaced"]


async def test_a_replica_that_takes_too_much_memory_is_ended_and_another_comes(
    service: Service, hungry: Path
) -> None:
    most = ReplicaLimits(memory_bytes=200 << 20)
    deployed = await service.deploy("hungry", hungry, limits=most)
    await deployed.running()
    assert (await deployed.infer([{"input": [1.0]}]))[0] == 200

    status, answer = await deployed.infer([{"input": [5000.0]}])

    assert status in (500, 507), answer
    assert answer["error"]
    await deployed.running()
    assert (await deployed.infer([{"input": [1.0]}]))[0] == 200
    assert set(await deployed.ends()) <= {"out_of_memory"}


async def test_replicas_of_a_killed_service_end_and_others_come(
    service: Service, linear: Path
) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    (pid,) = await deployed.pids()

    await asyncio.to_thread(service.stop, signal.SIGKILL)
    watch = os.pidfd_open(pid) if Path(f"/proc/{pid}").exists() else None
    if watch is not None:
        await asyncio.wait_for(_readable(watch), 20)
    await service.start()

    await deployed.until(lambda one: one.status == "running" and one.replicas != [])
    assert await deployed.ends() == ["service_stopped"]
    assert await deployed.starts() == 2
    assert (await deployed.infer(ROWS))[0] == 200


async def test_requests_behind_a_slow_one_go_to_a_replica_that_is_free(
    service: Service, slow: Path
) -> None:
    deployed = await service.deploy("slow", slow, TWO)
    await deployed.running(2)
    stuck = asyncio.create_task(deployed.infer([{"input": [1e9]}]))
    await deployed.under_way(1)

    quick = [deployed.infer([{"input": [float(n)]}]) for n in range(40)]
    answers = await asyncio.wait_for(asyncio.gather(*quick), 30)

    assert [status for status, _ in answers] == [200] * 40
    assert not stuck.done()
    stuck.cancel()
    await deployed.under_way(0)


async def test_a_hangup_frees_the_replica(service: Service, slow: Path) -> None:
    deployed = await service.deploy("slow", slow)
    await deployed.running()
    rows = [{"input": [1e9]}]

    calls = [asyncio.create_task(deployed.infer(rows)) for _ in range(6)]
    await deployed.under_way(6)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)

    await deployed.under_way(0)
    (pid,) = await deployed.pids()
    assert await _is_idle(pid)


async def test_an_upload_is_probed(service: Service, linear: Path, tmp_path: Path) -> None:
    good = await service.upload(linear)
    forest = await service.upload(models.trees(tmp_path / "trees.onnx"))
    bad = await service.upload(models.truncated(tmp_path / "truncated.onnx"))

    assert (good.status, good.trees) == ("ready", False)
    assert [(one.name, one.dtype, one.shape) for one in good.inputs] == [
        ("float_input", "float", [None, 3])
    ]
    assert (forest.status, forest.trees) == ("ready", True)
    assert bad.status == "error"
    assert bad.reason


async def _readable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    await ready.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)


async def _is_idle(pid: int) -> bool:
    """It stops to use its processor."""
    async with asyncio.timeout(20):
        before = -1
        while (ticks := _ticks(pid)) != before:
            before = ticks
            await asyncio.sleep(0.2)
    return True


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
