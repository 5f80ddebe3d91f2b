"""From sending an archive to its environment being ready. Yardstick: uv by itself, all of it
cached, offline, with links, as the platform asks for it."""

import asyncio
import random
import shutil
import string
import subprocess
import time
from itertools import count
from pathlib import Path

from uv import find_uv_bin

from bench.figure import Figure, percentile, show
from bench.footprint import command, family, highest_memory
from bench.live import Live, live
from examples.demo import upload_files
from libs.domain.events import OrchestrationReady
from services.packager.uv import PYTHON

PINS = (Path(__file__).parent.parent / "tests" / "data" / "fifteen-pins.txt").read_text()
LARGE = 64 << 20
_numbers = count()


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with live() as place:
        first = await _upload(place, "")
        empty = [await _upload(place, "") for _ in range(40)]
        await _upload(place, PINS)
        same = [await _upload(place, PINS) for _ in range(40)]
        built = await _built(place)
        bare = [await asyncio.to_thread(_bare_uv, place.data, built) for _ in range(5)]
        warm = []
        for _ in range(5):
            await asyncio.to_thread(shutil.rmtree, built)
            warm.append(await _upload(place, PINS))
        together = await _together(place, built)
        grown = await _large(place)
        return [
            Figure("first upload of a new platform -> ready", first, "ms"),
            _figure("upload -> ready, no requirements", empty, 50),
            _figure("upload -> ready, same lock again", same, 60),
            _figure("upload -> ready, 15 packages, cached", warm, 300, "bare uv, ms", bare),
            Figure("8 such uploads at once, all ready", together, "ms"),
            Figure(
                f"memory of the api, uploading {LARGE >> 20} MiB",
                *(grown, "MiB", "<= 32 MiB more", grown <= 32),
            ),
        ]


def _figure(
    name: str, waits: list[float], most: float, beside: str = "", bare: list[float] | None = None
) -> Figure:
    p50 = percentile(waits, 0.5)
    yardstick = percentile(bare, 0.5) if bare else None
    return Figure(f"{name}, p50", p50, "ms", f"<= {most:g} ms", p50 <= most, beside, yardstick)


async def _upload(place: Live, requirements: str) -> float:
    """Milliseconds; every archive is another one."""
    number = next(_numbers)
    files = {"main.py": f"print({number})", "requirements.txt": requirements}
    after, begun = await place.log.end(), time.perf_counter()
    await upload_files(place.session, place.workspace, f"bench-{number}", files)
    await place.event(OrchestrationReady, after)
    return (time.perf_counter() - begun) * 1e3


async def _built(place: Live) -> Path:
    """The environment of the last upload."""
    pattern = f"event.{place.workspace}.orchestration.*"
    last = await place.event(OrchestrationReady, await place.log.last_seq_over(pattern) - 1)
    assert isinstance(last.event, OrchestrationReady)
    return place.data / "environments" / last.event.environment


async def _together(place: Live, built: Path) -> float:
    """Milliseconds until eight uploads that need one environment, which is not there, are ready."""
    await asyncio.to_thread(shutil.rmtree, built)
    after, begun = await place.log.end(), time.perf_counter()
    async with asyncio.TaskGroup() as uploads:
        for number in range(8):
            files = {"main.py": f"print({number}, 0)", "requirements.txt": PINS}
            uploads.create_task(upload_files(place.session, place.workspace, "bench", files))
    await place.event(OrchestrationReady, after, 8)
    return (time.perf_counter() - begun) * 1e3


async def _large(place: Live) -> float:
    """MiB by which the api's highest memory grows with an upload of LARGE bytes."""
    (api,) = [pid for pid in family(place.pid) if "services.api" in command(pid)]
    before = highest_memory(api)
    after = await place.log.end()
    data = "".join(random.choices(string.ascii_letters, k=LARGE))
    files = {"main.py": "print(1)", "data.txt": data}
    await upload_files(place.session, place.workspace, "large", files)
    await place.event(OrchestrationReady, after)
    return highest_memory(api) - before


def _bare_uv(data: Path, built: Path) -> float:
    """Milliseconds of `uv venv` and `uv pip install` of the same lock out of the same cache."""
    folder, cache = data / "environments" / ".bare", data / "environments" / ".uv" / "cache"
    uv = [find_uv_bin(), "--quiet", "--offline", "--cache-dir", str(cache)]
    install = [*uv, "pip", "install", "--python", str(folder / "bin" / "python"), "--no-deps"]
    install += ["--require-hashes", "--link-mode", "hardlink"]
    install += ["--requirements", str(built / "lock.txt")]
    try:
        begun = time.perf_counter()
        subprocess.run([*uv, "venv", "--python", PYTHON, str(folder)], check=True)
        subprocess.run(install, check=True)
        return (time.perf_counter() - begun) * 1e3
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    show(measure())
