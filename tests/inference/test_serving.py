"""A pipeline is deployed, answers, and is undeployed."""

import asyncio
from pathlib import Path

import pytest

from tests.inference.service import Service

ROWS = [{"tensor": [1.0, 2.0, 3.0]}]


async def test_a_deployed_pipeline_answers(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    state = await deployed.running()

    status, answer = await deployed.infer(ROWS)

    assert status == 200, answer
    assert answer[0]["out"] == {"variable": [14.1]}
    assert answer[0]["in"] == {"tensor": [1.0, 2.0, 3.0]}
    assert len(state.replicas) == 1


async def test_who_may_not_hears_what_the_api_says(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()

    status, answer = await deployed.infer(ROWS, caller="bad")

    assert status == 401
    assert answer["error"] == "log in"


async def test_undeployed_is_404_and_leaves_no_process(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    (pid,) = await deployed.pids()
    assert (await deployed.infer(ROWS))[0] == 200  # the permit is remembered

    seq = await deployed.undeploy()
    await service.seen(seq)

    status, answer = await deployed.infer(ROWS)
    assert (status, answer["source"]) == (404, "engine")
    state = await deployed.until(lambda one: not one.replicas)
    assert not state.deployed
    assert await deployed.ends() == ["undeployed"]
    assert not Path(f"/proc/{pid}").exists()


async def test_a_permit_is_asked_for_once_by_many(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()

    answers = await asyncio.gather(*(deployed.infer(ROWS) for _ in range(20)))

    assert [status for status, _ in answers] == [200] * 20
    assert len(service.permits.asked) == 1


async def test_without_the_api_who_was_let_in_a_moment_ago_goes_on(
    service: Service, linear: Path
) -> None:
    """A 503 leaves it to the caller when to try again: the published SDK gives up after ten tries,
    which a Retry-After would make short."""
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    assert (await deployed.infer(ROWS))[0] == 200
    assert service.permits.runner is not None
    await service.permits.runner.cleanup()

    assert (await deployed.infer(ROWS))[0] == 200
    async with service.session.post(
        deployed.url, json=ROWS, headers={"Authorization": "Bearer other"}
    ) as answer:
        assert (answer.status, (await answer.json())["source"]) == (503, "engine")
        assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("status", [200, 400])
async def test_large_requests_and_answers_are_given_back(
    service: Service, linear: Path, status: int
) -> None:
    """At once: the collector may not come by for long."""
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    rows = [{"tensor": [1.0, 2.0, 3.0]}] * 40_000 if status == 200 else [{"x": "x" * (16 << 20)}]
    assert service.process is not None
    statm = Path(f"/proc/{service.process.pid}/statm")
    resident = [0]
    for _ in range(6):
        assert (await deployed.infer(rows))[0] == status
        resident.append(int(statm.read_text().split()[1]) * 4096)
    assert max(resident[2:]) - resident[1] < 50 << 20
