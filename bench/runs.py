"""Runs on a whole platform, over HTTP: from the order to the first line, and how many a second.

Yardsticks of the same minute: a bare `python main.py`, alone and as a loop on all cores.
"""

import asyncio
import itertools
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, percentile, show
from bench.live import Live, live
from examples.demo import call
from libs.domain.events import RunFinished, RunRequested, RunStarted, TaskCreated
from libs.eventlog.envelope import Recorded

STAMPED = "import time\nprint(time.time_ns())\n"
PANDAS = "import time\nimport numpy, pandas\nprint(time.time_ns())\n"
ALONE, TOGETHER = 60, 2000
SLOTS = (1, 2, 4, 8, 16, 32, 64)
OF_SLOTS = 150  # runs for each number of slots


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with live() as place:
        plain = await _warm(place, "plain", STAMPED)
        figures = [
            *await _triggers(place, plain),
            *await _new_interpreters(place, plain),
            *await _continuous(place, plain),
            *await _rate(place, plain, "trivial main.py", STAMPED, 1.3, 200),
        ]
        # Not earlier: it is the same environment, whose runs all have those modules from here on.
        loaded = await _warm(place, "loaded", PANDAS)
        return [
            *figures,
            *await _with_pandas(place, loaded),
            *await _rate(place, loaded, "numpy and pandas imported", PANDAS, 20, 10),
            *await _by_slots(),
        ]


async def _warm(place: Live, name: str, script: str) -> str:
    """An orchestration; its first runs get the environment ready for the others."""
    orchestration = await place.orchestration(name, script)
    await _ended(place, orchestration, 5)
    return orchestration


async def _triggers(place: Live, orchestration: str) -> list[Figure]:
    bare = await asyncio.to_thread(_bare_first, _with_packages(place), STAMPED)
    runs = [await _one(place, orchestration) for _ in range(ALONE)]
    waits = [run.ms("sent", "printed") for run in runs]
    what = "bare python to first line, ms"
    hops = [
        Figure(f"  of that: {name}, p50", percentile([run.ms(*ends) for run in runs], 0.5), "ms")
        for name, ends in HOPS.items()
    ]
    return [
        _figure("trigger -> first line, p50", waits, 0.5, 6, what, bare),
        _figure("trigger -> first line, p99", waits, 0.99, 20, what, bare),
        *hops,
    ]


async def _with_pandas(place: Live, orchestration: str) -> list[Figure]:
    bare = await asyncio.to_thread(_bare_first, _with_packages(place), PANDAS)
    waits = [(await _one(place, orchestration)).ms("sent", "printed") for _ in range(ALONE)]
    what = "bare python to the same line, ms"
    return [_figure("... numpy and pandas imported, p50", waits, 0.5, 9, what, bare)]


async def _new_interpreters(place: Live, orchestration: str) -> list[Figure]:
    bare = await asyncio.to_thread(_bare_first, _with_packages(place), STAMPED)
    runs = [await _one(place, orchestration, mode="exec") for _ in range(ALONE // 2)]
    waits = [run.ms("sent", "printed") for run in runs]
    what = "bare python to first line, ms"
    return [_figure("... in a new interpreter (exec), p50", waits, 0.5, 25, what, bare)]


async def _continuous(place: Live, orchestration: str) -> list[Figure]:
    """From a run's last process being gone to the first line of the next."""
    after = await place.log.end()
    task = await _order(place, orchestration, "run_continuously")
    moments = await _watched(place, after, ALONE)
    await call(place.session, "task/kill", {"id": task})
    pairs = itertools.pairwise(moments)
    waits = [(then["printed"] - before["exited"]) * 1e3 for before, then in pairs]
    return [_figure("continuous: end -> next first line, p50", waits, 0.5, 10)]


async def _rate(
    place: Live, orchestration: str, name: str, script: str, times: float, loops: int
) -> list[Figure]:
    """Sustained: from the first order to the last end, each run with its events and its log."""
    rate = await _ended(place, orchestration, TOGETHER)
    bare = await asyncio.to_thread(_bare_rate, _with_packages(place), script, loops)
    what, target = "bare python loop on all cores, 1/s", f">= {times:g} x bare"
    return [Figure(f"runs, {name}", rate, "1/s", target, rate >= times * bare, what, bare)]


async def _by_slots() -> list[Figure]:
    """What one executor does as it may run more at once; on one machine cores are the bound."""
    figures = []
    for slots in SLOTS:
        os.environ["RONDO_SLOTS"] = str(slots)
        try:
            async with live() as place:
                orchestration = await place.orchestration("plain", STAMPED)
                await _ended(place, orchestration, 5)
                rate = await _ended(place, orchestration, OF_SLOTS)
        finally:
            del os.environ["RONDO_SLOTS"]
        figures.append(Figure(f"runs with {slots} slots", rate, "1/s"))
    return figures


class Moments(dict[str, float]):
    """What came when in one run, in seconds since 1970."""

    def ms(self, start: str, end: str) -> float:
        return (self[end] - self[start]) * 1e3


HOPS = {
    "the order is decided": ("sent", "created"),
    "in the log, and a run asked for": ("created", "requested"),
    "in the log, and an executor has it": ("requested", "claimed"),
    "claimed, and its first line": ("claimed", "printed"),
    "afterwards: until it is ended": ("printed", "exited"),
    "afterwards: until that is in the log": ("exited", "finished"),
}


async def _one(place: Live, orchestration: str, **more: object) -> Moments:
    after, sent = await place.log.end(), time.time()
    await _order(place, orchestration, "run_once", **more)
    (moments,) = await _watched(place, after, 1)
    moments["sent"] = sent
    return moments


async def _order(place: Live, orchestration: str, how: str, **more: object) -> str:
    body = {"orch_id": orchestration, "workspace_id": place.workspace, "json": {}, **more}
    return str((await call(place.session, f"task/{how}", body))["id"])


async def _watched(place: Live, after: int, count: int) -> list[Moments]:
    """The moments of the first `count` runs to end after a place in the log, in that order."""
    found: defaultdict[str, Moments] = defaultdict(Moments)
    ended: list[str] = []
    created = 0.0
    async with asyncio.timeout(300):
        async for batch in place.log.follow(after, ("event.*.task.*", "event.*.run.*")):
            for fact in batch:
                if isinstance(fact.event, TaskCreated):
                    created = fact.at.timestamp()
                moments = found[fact.stream.id]
                moments |= dict(_moments(fact, created))
                if isinstance(fact.event, RunFinished):
                    moments["exited"] = moments["claimed"] + fact.event.timing["exited"]
                    ended.append(fact.stream.id)
            if len(ended) >= count:
                break
    for id in ended[:count]:
        found[id]["printed"] = await place.printed(id)
    return [found[id] for id in ended[:count]]


def _moments(fact: Recorded, created: float) -> Iterator[tuple[str, float]]:
    at = fact.at.timestamp()
    match fact.event:
        case RunRequested():
            yield from (("created", created), ("requested", at))
        case RunStarted():
            yield "claimed", at
        case RunFinished():
            yield "finished", at


async def _ended(place: Live, orchestration: str, count: int) -> float:
    """Orders so many runs and waits for their ends; gives how many a second."""
    after, begun = await place.log.end(), time.perf_counter()
    async with asyncio.TaskGroup() as orders:
        for _ in range(count):
            orders.create_task(_order(place, orchestration, "run_once"))
        await place.event(RunFinished, after, count)
    return count / (time.perf_counter() - begun)


def _figure(
    name: str, waits: list[float], share: float, most: float, what: str = "", bare: float = 0.0
) -> Figure:
    value = percentile(waits, share)
    return Figure(name, value, "ms", f"<= {most:g} ms", value <= most, what, bare or None)


def _bare_first(python: Path, script: str, times: int = 20) -> float:
    """Milliseconds from starting a new interpreter to its first line, at the median."""
    waits = []
    for _ in range(times):
        begun = time.time_ns()
        out = subprocess.run([python, "-c", script], capture_output=True, check=True)
        waits.append((int(out.stdout) - begun) / 1e6)
    return percentile(waits, 0.5)


def _bare_rate(python: Path, script: str, count: int) -> float:
    """Interpreters started and ended a second, as many at once as there are cores."""
    cores = os.cpu_count() or 1
    loop = 'for i in $(seq "$1"); do "$2" -c "$3" >/dev/null; done'
    command = ["/bin/sh", "-c", loop, "loop", str(count // cores), str(python), script]
    begun = time.perf_counter()
    loops = [subprocess.Popen(command) for _ in range(cores)]
    for one in loops:
        one.wait()
    return count // cores * cores / (time.perf_counter() - begun)


def _with_packages(place: Live) -> Path:
    """The interpreter of the environment that the runs have."""
    (found,) = (place.data / "environments").glob("*/bin/python")
    return found


if __name__ == "__main__":
    show(measure())
