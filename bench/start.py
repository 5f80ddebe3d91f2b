"""Starting one process: how long until its first line, and how many a second, without the rest of
the platform. Yardsticks of the same run: a bare `python main.py`, and a bare os.fork."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.figure import Figure, percentile, show
from libs.blobs.local import LocalStore
from services.executor.backend import Mode, RunSpec
from services.executor.code_cache import CodeCache
from services.executor.local.backend import LocalBackend
from services.executor.local_files import LocalFiles

CODE = "code.zip"
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
        script = Path(folder) / "main.py"
        script.write_text(SCRIPT)
        blobs = LocalStore(Path(folder) / "blobs")
        with zipfile.ZipFile(Path(folder) / "blobs" / CODE, "w") as archive:
            archive.write(script, "main.py")
        bare = Bare(
            [_forked_first() for _ in range(TIMES)],
            [_new_first(script) for _ in range(TIMES)],
            await _rate(lambda _: _new(script)),
        )
        files = LocalFiles(Path(folder), CodeCache(blobs, Path(folder) / "code"))
        backend = await LocalBackend.open(Path(folder) / "runs", files)
        try:
            if refused := await backend.prefetch(_spec("fork", 0)):
                print(f"no forks here: {refused}", file=sys.stderr)
            return [
                *await _of_mode(backend, "fork", bare),
                *await _of_mode(backend, "exec", bare),
            ]
        finally:
            await backend.close()


async def _of_mode(backend: LocalBackend, mode: Mode, bare: Bare) -> list[Figure]:
    firsts = [await _first(backend, _spec(mode, 0)) for _ in range(TIMES)]
    rate = await _rate(lambda slot: _whole(backend, _spec(mode, slot)))
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


def _spec(mode: Mode, slot: int) -> RunSpec:
    return RunSpec(uuid4(), uuid4(), slot, sys.prefix, CODE, "main.py", mode=mode)


async def _first(backend: LocalBackend, spec: RunSpec) -> float:
    begun = time.perf_counter()
    run = await (await backend.prepare(spec)).start()
    async with aclosing(run.output) as output:
        await anext(aiter(output))
        first = time.perf_counter()
        await run.wait()
    return (first - begun) * 1e3


async def _whole(backend: LocalBackend, spec: RunSpec) -> None:
    await _first(backend, spec)


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
