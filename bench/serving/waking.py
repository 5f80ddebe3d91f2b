"""How long it takes until there is a replica: from a deployment, and from the first request."""

import time
from pathlib import Path

from bench.figure import Figure, percentile
from bench.serving.client import ask
from bench.serving.rivals import PLAIN, serving
from bench.serving.rondo import Platform, asleep_after
from libs.domain.events import ReplicaStopped

TIMES, STARTS = 9, 4
_WINDOW_SECONDS = 1.0


async def measure(platform: Platform, ref: dict[str, str], model: Path) -> list[Figure]:
    return [await _deployed(platform, ref), await _woken(platform, ref, model)]


async def _deployed(platform: Platform, ref: dict[str, str]) -> Figure:
    waits, name = [], "deployed"
    version = await platform.pipeline(name, ref)
    for _ in range(TIMES):
        began = time.perf_counter()
        number = await platform.deploy(name, version, {})
        await platform.running(name, number)
        waits.append(time.perf_counter() - began)
        await platform.undeploy(number)
    p50 = percentile(waits, 0.5)
    return Figure(
        f"deploy -> Running, p50 (least {min(waits):.3f})", p50, "s", "<= 0.5", p50 <= 0.5
    )


async def _woken(platform: Platform, ref: dict[str, str], model: Path) -> Figure:
    """In turns with a plain server's start."""
    waits, starts, name = [], [], "sleeper"
    version = await platform.pipeline(name, ref)
    after = await platform.live.log.end()
    number = await platform.deploy(name, version, asleep_after(_WINDOW_SECONDS))
    server = platform.server(name, number, model, arrow=False)
    for turn in range(TIMES):
        after = (await platform.live.event(ReplicaStopped, after)).seq
        began = time.perf_counter()
        server.check(server.row, await ask(server.port, server.row))
        waits.append(time.perf_counter() - began)
        if turn < STARTS:
            async with serving(PLAIN, model) as (_, seconds):
                starts.append(seconds)
    await platform.undeploy(number)
    p50, start = percentile(waits, 0.5), percentile(starts, 0.5)
    return Figure(
        f"zero replicas -> first answer, p50 (least {min(waits):.3f})",
        *(p50, "s", "<= 0.3, 0.5 of it", p50 <= min(0.3, 0.5 * start), "a plain start", start),
    )
