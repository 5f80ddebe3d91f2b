"""A real service but for what it does: `compute` and `wait` get the event loop of their first
process stuck, `thread` has a thread that works for a minute.

    python stuck.py <service> <way>
"""

import asyncio
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from libs.service.main import notify_ready, run


async def busy(_: Mapping[str, str]) -> None:
    notify_ready()
    await asyncio.to_thread(time.sleep, 60)


async def stuck(way: str, environ: Mapping[str, str]) -> None:
    notify_ready()
    before = Path(environ["RONDO_DATA"], "was-stuck")
    if not before.exists():
        before.touch()
        # The supervisor has to have seen it well before: it would count as a failed start.
        await asyncio.sleep(0.5)
        {"compute": compute, "wait": wait}[way]()
    await asyncio.Event().wait()


def compute() -> None:
    while True:
        pass


def wait() -> None:
    taken = threading.Lock()
    taken.acquire()
    taken.acquire()


if __name__ == "__main__":
    name, way = sys.argv[1:]
    run(name, busy if way == "thread" else partial(stuck, way))
