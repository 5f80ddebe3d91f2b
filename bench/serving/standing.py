"""What stands around while nobody asks: memory of the gateway and the spare, and of a replica."""

import asyncio
import sys
from pathlib import Path

from bench.figure import Figure
from bench.footprint import command, family, pss
from bench.serving.rondo import Platform, asleep_after
from libs.domain.events import ReplicaStopped

PIPELINES, AT_ONCE = 100, 8
MEMORY = 150  # MiB
_OURS = ("services.inference ", "rondo inference", "rondo replica")


async def measure(platform: Platform, ref: dict[str, str], model: Path) -> list[Figure]:
    idle = await _idle(platform, ref)
    without = _inference(platform)
    number = await platform.deploy("one", await platform.pipeline("one", ref), {})
    await platform.running("one", number)
    replica, alone = _inference(platform) - without, await _alone(model)
    return [
        Figure(
            f"gateway and spare, {PIPELINES} idle pipelines, PSS",
            *(idle, "MiB", f"<= {MEMORY} MiB", idle <= MEMORY),
        ),
        Figure(
            "a replica more, PSS",
            *(replica, "MiB", "<= 1.1 of it", replica <= 1.1 * alone, "session, weights", alone),
        ),
    ]


async def _idle(platform: Platform, ref: dict[str, str]) -> float:
    """Each has shown that it can be served, and sleeps."""
    after, slots = await platform.live.log.end(), asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> int:
        async with slots:
            version = await platform.pipeline(name, ref)
            return await platform.deploy(name, version, asleep_after(1.0))

    numbers = await asyncio.gather(*(one(f"idle-{each}") for each in range(PIPELINES)))
    await platform.live.event(ReplicaStopped, after, PIPELINES)
    memory = _inference(platform)
    for number in numbers:
        await platform.undeploy(number)
    return memory


def _inference(platform: Platform) -> float:
    """MiB of all processes of the service."""
    pids = [pid for pid in family(platform.live.pid) if any(w in command(pid) for w in _OURS)]
    return sum(map(pss, pids))


async def _alone(model: Path) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.serving.session_memory", model),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return float(said)
