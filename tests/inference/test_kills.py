"""The whole platform under inferences: whatever is killed, no call fails for good, and what was
answered is in the log once (I10)."""

import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.executor.harness import ended
from tests.history import deployments, inferences
from tests.inference import models
from tests.platform import OF_INFERENCE, Platform, api, running, until
from tests.served import Callers, Served, accepted

VICTIMS = ("nats", "postgres", "api", "inference", *OF_INFERENCE)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    variables = {"RONDO_INFERENCE_GATEWAYS": "1"}
    with running(Platform(tmp_path_factory.mktemp("kills"), variables=variables)) as platform:
        yield platform


@pytest.fixture
async def served(
    platform: Platform, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Served]:
    async with api(platform, request.node.name) as client:
        one = Served(client, "houses")
        await one.update(models.linear(tmp_path / "linear.onnx"))
        await one.deploy(replicas=2)
        await one.running()
        yield one


def victims(platform: Platform, name: str) -> list[int]:
    """All of its processes."""
    if name in OF_INFERENCE:
        return platform.of_inference(name)
    pid = platform.pid(name)
    return [] if pid is None else [pid]


@pytest.mark.parametrize("victim", VICTIMS)
async def test_what_is_answered_is_logged_once(
    platform: Platform, served: Served, victim: str
) -> None:
    callers = Callers(served, random.Random(7))
    async with callers.asking():
        await callers.more(30)
        await served.logged()  # so that there is a process for it
        pids = victims(platform, victim)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            await ended(pid)
        await callers.more(100)

    logged: Counter[float] = Counter()

    async def read() -> None:
        logged.update(await served.logged())

    await until(partial(accepted, read), "the log to be read")
    assert pids
    assert list(inferences.recorded(callers.answered, callers.refused, logged)) == []
    await until(partial(accepted, served.undeploy), "it to be undeployed")
    await served.ended()
    assert list(deployments.lives(await platform.events(), quiet=True)) == []


async def test_inferences_go_on_without_nats(
    platform: Platform, served: Served, request: pytest.FixtureRequest
) -> None:
    """Also those of somebody who was never let in before."""
    callers = Callers(served, random.Random(7))
    async with api(platform, request.node.name) as served.client:
        nats = platform.pid("nats")
        assert nats is not None
        os.kill(nats, signal.SIGSTOP)
        try:
            async with callers.asking():
                await callers.more(30)
        finally:
            os.kill(nats, signal.SIGCONT)
    assert (callers.retries, callers.refused) == (0, set())
