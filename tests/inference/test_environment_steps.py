"""Steps in environments: in a process beside the replica, which may do nothing else."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from libs.domain.events import ReplicaStopped
from libs.domain.model_version import ModelVersion
from libs.domain.values import ReplicaLimits
from libs.linux.proc import lives
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


def none_lives(pids: Iterable[int]) -> bool:
    return not any(map(lives, pids))


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


async def test_a_step_that_never_returns_blocks_nobody_for_good(steps: Steps) -> None:
    text = TIMES.replace("    return", "    while data['x'][0, 0] == 7:\n        pass\n    return")
    deployed = await steps.serve(text)
    endless = asyncio.create_task(deployed.infer([{"x": [7, 7]}], timeout=1.0))
    await deployed.under_way(1)

    with pytest.raises(TimeoutError):  # the caller hangs up
        await endless

    status, answer = await deployed.infer([{"x": [1, 2]}])
    assert (status, outputs(answer)) == (200, [[3, 6]])


async def test_a_step_that_dies_or_gives_nonsense_is_a_500_with_the_reason(steps: Steps) -> None:
    text = """
import os

import numpy as np


def process_data(data):
    case = int(data["x"][0, 0])
    if case == 1:
        os._exit(9)
    if case == 2:
        raise ValueError("no such house")
    x = data["x"]
    return [{"y": x}, 0, 0, {"z": x}, {"y": x[:1]}, {"y": ["a"] * 2}][case]
"""
    deployed = await steps.serve(text)
    answers = []
    for case in range(6):
        status, answer = await deployed.infer([{"x": [case]}, {"x": [case]}])
        answers.append((status, "" if status == 200 else answer["error"]))

    assert [status for status, _ in answers] == [200] + [500] * 5
    for (_, error), words in zip(
        answers[1:],
        [
            "the step's process is gone: it ended with status 9",
            "the step failed: ValueError: no such house (step.py, line 12)",
            "the step gave 'z', but its output schema has 'y'",
            "not one value for each row",
            "does not fit its schema",
        ],
        strict=True,
    ):
        assert words in error
    status, _ = await deployed.infer([{"x": [0]}])
    assert status == 200


async def test_a_thousand_rows_of_arrow_pass_through_a_step(steps: Steps) -> None:
    deployed = await steps.serve(TIMES)
    rows = np.arange(18_000, dtype=np.float32).reshape(1000, 18)
    table = pa.table({"x": pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), 18)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)

    async with deployed.service.session.post(
        deployed.url,
        data=sink.getvalue().to_pybytes(),
        headers={
            "Authorization": "Bearer good",
            "Content-Type": "application/vnd.apache.arrow.file",
        },
    ) as answer:
        assert answer.status == 200, await answer.text()
        back = pa.ipc.open_file(await answer.read()).read_all().flatten().flatten()

    (column,) = [name for name in back.column_names if name.endswith("y")]
    assert np.array_equal(np.array(back[column].to_pylist(), np.float32), rows * 3)


async def test_a_step_s_memory_is_its_replica_s(steps: Steps) -> None:
    text = """
import numpy as np

kept = []


def process_data(data):
    for _ in range(int(data["x"][0, 0])):
        kept.append(np.ones(1 << 20, np.uint8))
    return {"y": data["x"]}
"""
    deployed = await steps.serve(text, memory_bytes=400 << 20)

    status, answer = await deployed.infer([{"x": [1000]}])

    assert status >= 500, answer
    state = await deployed.running()
    events = [fact.event for fact in await deployed.events()]
    stopped = [event for event in events if isinstance(event, ReplicaStopped)]
    assert {event.reason for event in stopped} <= {"out_of_memory"}, stopped
    assert state.status == "running"
    status, _ = await deployed.infer([{"x": [1]}])
    assert status == 200


async def test_replica_guard_and_worker_end_together(steps: Steps) -> None:
    deployed = await steps.serve(TIMES)
    service = steps.service
    (replica,) = await deployed.pids()
    for victim in ("replica", "guard", "worker"):
        (guard,), (worker,) = processes(service, "rondo step"), processes(service, "bootstrap.py")
        os.kill({"replica": replica, "guard": guard, "worker": worker}[victim], signal.SIGKILL)
        if victim == "worker":  # it alone is missed by the next request
            status, answer = await deployed.infer([{"x": [1]}])
            assert (status, "SIGKILL" in str(answer)) == (500, True)
        else:
            await until(partial(none_lives, (replica, guard, worker)))
        status, answer = await deployed.infer([{"x": [1]}])
        assert (status, outputs(answer)) == (200, [[3]])
        await deployed.running()
        (replica,) = await deployed.pids()


async def test_a_deployment_waits_for_an_environment_that_is_made_again(steps: Steps) -> None:
    state = await steps.upload(TIMES)
    folder = steps.service.folder / "environments"
    (folder / "one").rename(folder / ".building-one")
    deployed = await steps.service.serve("steps", state)
    await until(lambda: "environment one is not there yet" in steps.service.said())

    (folder / ".building-one").rename(folder / "one")

    await deployed.running()
    status, answer = await deployed.infer([{"x": [1, 2]}])
    assert (status, outputs(answer)) == (200, [[3, 6]])
