"""The guard of a step and its worker, without a replica: what user code does, and what it may."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from services.inference.control.slots import Slots
from services.inference.control.step_guards import NewStep, StepGuard, StepGuards
from services.inference.engine.errors import BadModel, Cancelled, Refused
from services.inference.engine.request import Cancel
from services.inference.replica.step_process import StepProcess
from tests.inference import models
from tests.inference.environments import environment

ONE = {"x": np.array([[1.5, 2.0]], np.float32)}
WHAT = {"framework": "python", "inputs": {"x": [None, 2]}, "outputs": ["y"]}
FIRST_UID = 24800


class Guarded(Protocol):
    async def __call__(
        self,
        files: Mapping[str, str | bytes] | bytes,
        environment: str = "one",
        memory: int | None = None,
    ) -> StepProcess: ...


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environments")
    environment(folder, "one", {"factor.py": "FACTOR = 3\n"})
    environment(folder, "bare", {}, numpy=False)
    environment(folder, "sneaky", {"a.pth": "import os; os.execv('/bin/true', ['true'])\n"})
    return folder


@pytest.fixture
async def guarded(environments: Path, tmp_path: Path) -> AsyncIterator[Guarded]:
    """A step of an archive of these files, or of a file of these bytes; it is to be loaded."""
    guards = StepGuards(os.environ, environments, tmp_path / "steps", Slots(FIRST_UID))
    started: list[tuple[StepGuard, StepProcess]] = []

    async def start(
        files: Mapping[str, str | bytes] | bytes,
        environment: str = "one",
        memory: int | None = None,
    ) -> StepProcess:
        path = tmp_path / f"{len(started)}"
        if isinstance(files, bytes):
            path.write_bytes(files)
        else:
            models.step(path, files)
        step = NewStep(("sha", "blob"), environment, archive=not isinstance(files, bytes))
        with path.open("rb") as file:
            channel, guard = await guards.start("test", step, file.fileno(), memory)
        process = StepProcess(channel)
        started.append((guard, process))
        return process

    yield start
    for guard, process in started:
        process.close()
        await guard.wait()


async def loaded(step: StepProcess, **changes: Any) -> StepProcess:
    await asyncio.to_thread(step.load, WHAT | changes)
    return step


async def answer(step: StepProcess, x: Any = ONE["x"], cancel: Cancel | None = None) -> Any:
    return (await asyncio.to_thread(step.run, {"x": np.asarray(x, np.float32)}, cancel))["y"]


def body(text: str) -> dict[str, str | bytes]:
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return {"step.py": f"import numpy as np\n\n\ndef process_data(data):\n{lines}"}


async def test_numbers_arrive_to_the_last_bit(guarded: Guarded) -> None:
    step = await loaded(await guarded(body("return {'y': data['x'] / np.float32(3)}")))

    given = np.array([[1e-45, 3.4e38], [np.nan, -0.0]], np.float32)

    assert (await answer(step, given)).tobytes() == (given / np.float32(3)).tobytes()


@pytest.mark.parametrize(
    "value",
    [
        np.array([2**63 - 1], np.int64),
        np.array([0.1], np.float16),
        np.array([[True], [False]]),
        np.array(["a", "ü\n", ""]),
        np.array([["one", "two"]], np.object_),
        np.empty((0, 3), np.float64),
    ],
)
async def test_every_kind_of_array_goes_there_and_back(guarded: Guarded, value: Any) -> None:
    step = await loaded(await guarded(body("return {'y': data['x']}")))

    back = (await asyncio.to_thread(step.run, {"x": value}, None))["y"]

    assert back.shape == value.shape
    assert back.tolist() == value.tolist()


async def test_a_large_request_passes(guarded: Guarded) -> None:
    step = await loaded(await guarded(body("return {'y': data['x'] + 1}")))

    assert (await answer(step, np.zeros((1000, 3000)))).sum() == 3_000_000


async def test_a_builder_finds_the_files_of_its_archive(guarded: Guarded) -> None:
    text = """
from mac.config.inference import CustomInferenceConfig
from mac.inference import Inference
from mac.inference.creation import InferenceBuilder
from mac.types import InferenceData
from tools.words import ADDED


class Model(Inference):
    @property
    def expected_model_types(self):
        return {float}

    def _predict(self, input_data: InferenceData) -> InferenceData:
        return {"y": input_data["x"] * self.model + ADDED}


class Builder(InferenceBuilder):
    @property
    def inference(self):
        return Model()

    def create(self, config: CustomInferenceConfig):
        made = self.inference
        made.model = float((config.model_path / "model.txt").read_text())
        return made
"""
    files = {
        "byop/main.py": text,
        "byop/model.txt": "0.5",
        "byop/tools/words.py": "ADDED = 1\n",
        "byop/tools/__init__.py": "",
    }
    step = await loaded(await guarded(files), framework="custom")

    assert (await answer(step)).tolist() == [[1.75, 2.0]]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"step.py": "x = 1\n"}, "0 modules of the archive define process_data"),
        ({"step.py": "def process_data(:\n"}, "step.py is no Python"),
        (body("") | {"step.py": b"\xff"}, "step.py is not UTF-8"),
        ({"step.py": "import torch\ndef process_data(d): ..."}, "no module 'torch' in its env"),
        ({"step.py": "1 / 0\ndef process_data(d): ..."}, "ZeroDivisionError.*step.py, line 1"),
        ({"step.py": "exit(3)\ndef process_data(d): ..."}, "SystemExit"),
        (
            {"step.py": "import os\nos._exit(3)\ndef process_data(d): ..."},
            "can't be loaded: it ended with status 3",
        ),
        (
            {"step.py": "import os\nos.abort()\ndef process_data(d): ..."},
            "can't be loaded: it was ended by SIGABRT",
        ),
        ({"../step.py": "x"}, "leaves the archive's folder"),
    ],
)
async def test_a_step_that_can_not_be_loaded_says_why(
    guarded: Guarded, files: dict[str, str | bytes], words: str
) -> None:
    step = await guarded(files)

    with pytest.raises(BadModel, match=words):
        await loaded(step)


async def test_an_environment_without_numpy_says_so(guarded: Guarded) -> None:
    step = await guarded(body("return data"), "bare")

    with pytest.raises(BadModel, match=r"no numpy that can be imported.*require numpy"):
        await loaded(step)


async def test_a_package_starts_no_program_before_the_step_does(guarded: Guarded) -> None:
    step = await loaded(await guarded(body("return {'y': data['x']}"), "sneaky"))

    assert (await answer(step)).tolist() == [[1.5, 2.0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("open(__file__ + 'x')", "No such file or directory: 'step.pyx' .step.py, line 6."),
        ("raise KeyError('street')", "the step failed: KeyError: 'street' .step.py, line 6."),
        ("raise SystemExit(3)", "the step failed: SystemExit: 3"),
        ("return [1]", "gave a list, not a dict of arrays"),
        ("return {'y': np.array([1j])}", "outputs are numbers or text"),
        ("return {'y': np.array(['2020-01-01'], 'M8[D]')}", "outputs are numbers or text"),
        ("return {'y': np.zeros(1 << 50)}", "MemoryError"),
    ],
)
async def test_a_step_that_fails_says_where_and_goes_on(
    guarded: Guarded, text: str, words: str
) -> None:
    step = await loaded(
        await guarded(body(f"if data['x'][0, 0] == 1.5:\n    {text}\nreturn {{'y': data['x']}}"))
    )

    with pytest.raises(Refused, match=words) as refused:
        await answer(step)

    assert refused.value.status == 500
    assert (await answer(step, [[2, 2]])).tolist() == [[2, 2]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\n    os._exit(7)", "gone: it ended with status 7"),
        ("import os\n    os.kill(os.getpid(), 11)", "PermissionError"),
        ("import ctypes\n    ctypes.string_at(0)", "gone: it was ended by SIGSEGV"),
        (
            "import os\n    os.write(2, b'out of luck')\n    os.abort()",
            "gone: it was ended by SIGABRT: out of luck",
        ),
        ("import os\n    os.write(3, b'x' * 100)\n    os._exit(0)", "gone: it ended with status 0"),
        ("import os\n    os.closerange(3, 9)", "gone: it ended with status 1: OSError"),
    ],
)
async def test_a_step_that_dies_is_there_for_the_next_request(
    guarded: Guarded, text: str, words: str
) -> None:
    step = await loaded(
        await guarded(body(f"if data['x'][0, 0] == 1.5:\n    {text}\nreturn {{'y': data['x']}}"))
    )

    with pytest.raises(Refused, match=words):
        await answer(step)

    assert (await answer(step, [[2, 2]])).tolist() == [[2, 2]]


async def test_a_step_that_never_returns_is_killed_with_the_request(guarded: Guarded) -> None:
    step = await loaded(
        await guarded(body("while data['x'][0, 0] == 1.5: pass\nreturn {'y': data['x']}"))
    )
    cancel = Cancel()
    running = asyncio.create_task(answer(step, cancel=cancel))
    waiting = asyncio.create_task(answer(step, [[2, 2]]))
    threading.Timer(0.2, cancel.cancel).start()

    with pytest.raises(Cancelled):
        await running

    assert (await waiting).tolist() == [[2, 2]]
    cancel.cancel()  # too late for anybody
    assert (await answer(step, [[3, 3]])).tolist() == [[3, 3]]


async def test_a_step_that_prints_a_lot_answers(guarded: Guarded) -> None:
    text = "import sys\nfor stream in (sys.stdout, sys.stderr):\n    stream.write('x' * (8 << 20))"
    step = await loaded(await guarded(body(f"{text}\nreturn {{'y': data['x']}}")))

    assert (await answer(step)).tolist() == [[1.5, 2.0]]


async def test_a_step_may_only_compute(guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    text = f"""
import os, pathlib, signal, socket, subprocess, sys, threading
tried = [
    lambda: socket.create_connection(("127.0.0.1", 4222), 1),
    lambda: socket.socket(socket.AF_UNIX),
    lambda: subprocess.run(["/bin/true"], check=True),
    lambda: os.execv(sys.executable, ["python", "-c", ""]),
    lambda: os.listdir("/root"),
    lambda: open({str(tmp_path / "secret")!r}),
    lambda: open("/tmp/step", "w"),
    lambda: open("/dev/shm/step", "w"),
    lambda: open(os.environ["HOME"] + "/step", "w"),
    lambda: pathlib.Path(__file__).write_text("x"),
    lambda: open(sys.prefix + "/lib/step", "w"),
    lambda: os.kill(os.getppid(), signal.SIGTERM),
    lambda: open(f"/proc/{{os.getppid()}}/mem", "rb"),
    lambda: open(f"/proc/{{os.getppid()}}/cmdline", "rb"),
    lambda: open("/proc/1/stat", "rb"),
    lambda: open("/proc/net/tcp", "rb"),
    os.fork,
]
done = []
for at, each in enumerate(tried):
    try:
        each()
        done.append(at)
    except OSError:
        pass
pathlib.Path("/proc/self/maps").read_text()  # libraries look which others there are
ran = []
thread = threading.Thread(target=lambda: ran.append(1))
thread.start()
thread.join()
return {{"y": np.array([len(ran), *done], np.float32)}}
"""
    step = await loaded(await guarded(body(text)))

    assert (await answer(step)).tolist() == [1]


async def test_a_step_that_needs_more_than_its_memory_fails_alone(guarded: Guarded) -> None:
    text = "size = int(data['x'][0, 0]) << 20\nreturn {'y': np.ones(size, np.uint8).sum()[None]}"
    step = await loaded(await guarded(body(text), memory=256 << 20))

    with pytest.raises(Refused, match="MemoryError"):
        await answer(step, [[1024]])

    assert (await answer(step, [[1]])).tolist() == [1 << 20]
