"""Steps in environments: in a process beside the replica, which may do nothing else."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libs.domain.model_version import ModelVersion
from libs.domain.values import ReplicaLimits
from libs.linux.process import descendants
from tests.inference import models
from tests.inference.engine.test_python_step import NUMBERS, schema
from tests.inference.environments import environment
from tests.inference.service import PATIENCE, Deployed, Service

SCHEMAS = {"input_schema": schema(x=NUMBERS), "output_schema": schema(y=NUMBERS)}
LIBRARY = "def times(x):\n    return x * FACTOR\n\nFACTOR = 3\n"
TIMES = """
from factor import times


def process_data(data):
    return {"y": times(data["x"])}
"""


class Steps:
    """Uploads and serves steps that need the environment `one`, or another."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service, self.folder = service, folder
        self.count = 0

    async def upload(self, text: str, environment: str = "one") -> ModelVersion:
        self.count += 1
        files = {"step.py": text, "requirements.txt": "factor\n"}
        path = models.step(self.folder / f"{self.count}.zip", files)
        return await self.service.upload(
            path, "python", environment, requirements=["factor"], **SCHEMAS
        )

    async def serve(self, text: str, **limits: Any) -> Deployed:
        state = await self.upload(text)
        assert (state.status, state.reason) == ("ready", "")
        deployed = await self.service.serve("steps", state, limits=ReplicaLimits(**limits))
        await deployed.running()
        return deployed


@pytest.fixture
def steps(service: Service, tmp_path: Path) -> Steps:
    folder = service.folder / "environments"
    folder.mkdir()
    environment(folder, "one", {"factor.py": LIBRARY})
    environment(folder, "five", {"factor.py": LIBRARY.replace("3", "5")})
    return Steps(service, tmp_path)


def outputs(answer: Any) -> list[list[float]]:
    return [row["out"]["y"] for row in answer]


def processes(service: Service, word: str) -> set[int]:
    """Those of the service whose command line has the word."""
    assert service.process is not None
    found = set()
    for pid in descendants(service.process.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if word.encode() in file.read():
                found.add(pid)
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.01)


async def test_a_step_finds_what_its_environment_has_and_leaves_nothing(steps: Steps) -> None:
    state = await steps.upload(TIMES)

    assert (state.status, state.reason, state.environment) == ("ready", "", "one")
    deployed = await steps.service.serve("steps", state)
    await deployed.running()
    status, answer = await deployed.infer([{"x": [0.5, 2]}, {"x": [3, 4]}])
    assert (status, outputs(answer)) == (200, [[1.5, 6], [9, 12]])
    assert processes(steps.service, "bootstrap.py")

    await deployed.undeploy()
    await deployed.until(lambda one: not one.replicas)
    await until(lambda: not processes(steps.service, "step"))
    home = steps.service.folder / "data" / "steps"
    await until(lambda: not os.listdir(home))


async def test_steps_of_two_environments_work_in_one_pipeline(steps: Steps) -> None:
    by_three = await steps.upload(TIMES)
    by_five = await steps.upload(TIMES, "five")

    deployed = await steps.service.serve("both", by_three, by_five)
    await deployed.running()
    _, answer = await deployed.infer([{"x": [1, 2]}])

    assert outputs(answer) == [[15, 30]]
