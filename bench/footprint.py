"""What the whole platform takes when nothing runs: every process of a `rondo up`, after one run."""

import asyncio
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, show
from bench.live import live
from libs.domain.events import RunFinished

PROC = Path("/proc")
SECONDS = 20
MEMORY, CPU = 180, 1.0  # MiB, and per cent of one core


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with live() as place:
        orchestration = await place.orchestration("hello", "print('hello')")
        after = await place.log.end()
        await place.run_once(orchestration)
        await place.event(RunFinished, after)
        await place.session.close()
        await asyncio.sleep(SECONDS / 4)  # what that has set off comes to rest
        before, begun = cpu_seconds(place.pid), time.perf_counter()
        await asyncio.sleep(SECONDS)
        used = cpu_seconds(place.pid) - before
        share = used / (time.perf_counter() - begun) * 100
        found = {pid: pss(pid) for pid in family(place.pid)}
    total = sum(found.values())
    return [
        Figure(
            f"idle memory of {len(found)} processes, PSS",
            *(total, "MiB", f"<= {MEMORY} MiB", total <= MEMORY),
        ),
        Figure(f"idle CPU over {SECONDS} s, of one core", share, "%", f"<= {CPU} %", share <= CPU),
    ]


def family(pid: int) -> list[int]:
    """A process and all that come of it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (parent := _stat(int(entry.name))):
            children.setdefault(int(parent[1]), []).append(int(entry.name))
    return list(_down(pid, children))


def command(pid: int) -> str:
    """Empty when it has ended."""
    try:
        return (PROC / str(pid) / "cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def highest_memory(pid: int) -> float:
    """MiB that it had resident at most so far."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", (PROC / str(pid) / "status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _down(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, []):
        yield from _down(child, children)


def _stat(pid: int) -> list[str]:
    """The fields behind the name; empty when it has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_seconds(pid: int) -> float:
    """Of a process and all that come of it, those included that have ended."""
    ticks = sum(int(field) for member in family(pid) for field in _stat(member)[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def pss(pid: int) -> float:
    """MiB, of what is shared its share."""
    try:
        told = (PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    show(measure())
