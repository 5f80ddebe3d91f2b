"""Starting one process: how long until its first line, and how many a second, without the rest of
the platform. Yardsticks of the same run: a bare `python main.py`, and a bare os.fork."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.figure import Figure, percentile, show
from services.executor.backend import Mode, RunSpec
from services.executor.local.backend import LocalBackend

SCRIPT = "print('hello', flush=True)\n"
NEW = "bare python main.py"
TIMES, AT_ONCE, TOGETHER = 100, 4, 400


def measure() -> list[Figure]:
    return asyncio.run(_measure())


@dataclass(frozen=True)
class Bare:
    """The same script without us: ms to the first byte, and runs a second."""

    forked: list[float]
    new: list[float]
    rate: float


async def _measure() -> list[Figure]:
    # Not below /tmp, which runs have a private one of.
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as folder:
        code = Path(folder) / "code"
        code.mkdir()
        (code / "main.py").write_text(SCRIPT)
        bare = Bare(
            [_forked_first() for _ in range(TIMES)],
            [_new_first(code / "main.py") for _ in range(TIMES)],
            await _rate(lambda _: _new(code / "main.py")),
        )
        backend = await LocalBackend.open(Path(folder) / "runs")
        try:
            if refused := await backend.warm(_spec(code, "fork", 0)):
                print(f"no forks here: {refused}", file=sys.stderr)
            return [
                *await _of_mode(backend, code, "fork", bare),
                *await _of_mode(backend, code, "exec", bare),
            ]
        finally:
            await backend.close()


async def _of_mode(backend: LocalBackend, code: Path, mode: Mode, bare: Bare) -> list[Figure]:
    firsts = [await _first(backend, _spec(code, mode, 0)) for _ in range(TIMES)]
    rate = await _rate(lambda slot: _whole(backend, _spec(code, mode, slot)))
    beside, yardstick = ("bare os.fork", bare.forked) if mode == "fork" else (NEW, bare.new)
    times = [
        Figure(
            f"{mode}: start() -> first byte, p{share * 100:.0f}",
            percentile(firsts, share),
            "ms",
            yardstick=beside,
            yardstick_value=percentile(yardstick, share),
        )
        for share in (0.5, 0.99)
    ]
    return [
        *times,
        Figure(f"{mode}: runs a second", rate, "1/s", yardstick=NEW, yardstick_value=bare.rate),
    ]


def _spec(code: Path, mode: Mode, slot: int) -> RunSpec:
    return RunSpec(uuid4(), uuid4(), slot, Path(sys.executable), code, "main.py", mode=mode)


async def _first(backend: LocalBackend, spec: RunSpec) -> float:
    begun = time.perf_counter()
    run = await backend.start(spec)
    await _readable(run.stdout)
    first = time.perf_counter()
    await run.wait()
    os.close(run.stdout)
    os.close(run.stderr)
    return (first - begun) * 1e3


async def _whole(backend: LocalBackend, spec: RunSpec) -> None:
    await _first(backend, spec)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, ready.set_result, None)
    ready.add_done_callback(lambda _: loop.remove_reader(descriptor))
    await ready


async def _rate(one: Callable[[int], Awaitable[None]]) -> float:
    async def slot(number: int) -> None:
        for _ in range(TOGETHER // AT_ONCE):
            await one(number)

    begun = time.perf_counter()
    await asyncio.gather(*map(slot, range(AT_ONCE)))
    return TOGETHER / (time.perf_counter() - begun)


async def _new(script: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", script, stdout=subprocess.DEVNULL
    )
    await process.wait()


def _new_first(script: Path) -> float:
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)
        first = time.perf_counter()
        process.stdout.read()
    return (first - begun) * 1e3


def _forked_first() -> float:
    """The least that a fork of this interpreter could take."""
    begun = time.perf_counter()
    out, to_out = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(to_out, b"hello\n")
        os._exit(0)
    os.read(out, 1)
    first = time.perf_counter()
    os.waitpid(pid, 0)
    os.close(out)
    os.close(to_out)
    return (first - begun) * 1e3


if __name__ == "__main__":
    show(measure())
