"""How the time to start a run grows with what the platform has: schedules armed, and past runs."""

import asyncio
import time

import msgspec

from bench.figure import Figure, percentile, show
from bench.fill import Shape, fill
from bench.live import Live, live
from libs.domain.events import RunFinished, RunStarted
from libs.eventlog.streams import EVENTS

TIMES = 40
PATIENCE = 3600
# Orchestrations, tasks, of which nine in ten are armed schedules, and runs that were.
SMALL = (Shape(10, 10_000, 0), Shape(10, 10, 20_000, seed=2))
FULL = (Shape(10, 100_000, 0), Shape(10, 10, 1_000_000, seed=2))


def measure(full: bool = False) -> list[Figure]:
    return asyncio.run(_measure(FULL if full else SMALL))


async def _measure(shapes: tuple[Shape, ...]) -> list[Figure]:
    async with live() as place:
        orchestration = await place.orchestration("hello", "print('hello')")
        empty = await _claimed(place, orchestration)
        what = "the same on an empty platform, ms"
        figures = [Figure("order -> claimed by an executor, p50", empty, "ms")]
        armed = past = 0
        for shape in shapes:
            await fill(place.nats, place.workspace, "bench", shape)
            await _seen(place)
            armed += shape.tasks * 9 // 10
            past += shape.runs
            waits = await _claimed(place, orchestration)
            name = f"... with {armed:,} schedules and {past:,} past runs, p50"
            most = 2 * empty
            figures.append(Figure(name, waits, "ms", "<= 2 x", waits <= most, what, empty))
        return figures


async def _seen(place: Live) -> None:
    """Returns once the executor has passed over all runs of the past."""
    async with asyncio.timeout(PATIENCE):
        while True:
            body = await place.nats.api(f"CONSUMER.INFO.{EVENTS}.executor")
            if msgspec.json.decode(body)["num_pending"] == 0:
                return
            await asyncio.sleep(1)


async def _claimed(place: Live, orchestration: str) -> float:
    """Milliseconds at the median, one run after the other; each is let end."""
    waits = []
    for number in range(TIMES + 5):
        after, begun = await place.log.end(), time.perf_counter()
        await place.run_once(orchestration)
        started = await place.event(RunStarted, after)
        if number >= 5:  # the first ones wait until all of it has caught up, and warm it
            waits.append((time.perf_counter() - begun) * 1e3)
        await place.event(RunFinished, started.seq)
    return percentile(waits, 0.5)


if __name__ == "__main__":
    show(measure())
