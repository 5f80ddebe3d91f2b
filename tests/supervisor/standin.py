"""A service as the supervisor sees one: says that it is ready, serves, ends on SIGTERM.

It writes the environment that it got to `environment.json` in its folder. RONDO_STANDIN makes
one misbehave, as `<service>:<way>`: `fail` ends at once, `deaf` ignores SIGTERM, `mute` never
says that it is ready. The others are real services, but for what they do: `compute` and `wait` get
the event loop of their first process stuck, `thread` has a thread that works for a minute.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from libs.service.main import notify_ready, run


def listening(place: str) -> socket.socket:
    if given := os.environ.get("RONDO_LISTEN_FDS"):
        return socket.socket(fileno=int(given))
    path = place.removeprefix("unix:")
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener


def main() -> None:
    name = sys.argv[1]
    way = dict([os.environ.get("RONDO_STANDIN", ":").split(":")]).get(name)
    if way in ("compute", "wait"):
        run(name, partial(stuck, way))
    if way == "thread":
        run(name, busy)
    if way == "fail":
        sys.exit(f"{name} has a reason to fail")
    Path(os.environ["RONDO_DATA"], "environment.json").write_text(json.dumps(dict(os.environ)))
    listener = listening(os.environ["RONDO_LISTEN"])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    if way != "mute":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.sendto(b"READY=1", "\0" + os.environ["NOTIFY_SOCKET"][1:])
    signal.sigwait({signal.SIGUSR1} if way == "deaf" else {signal.SIGTERM})
    listener.close()


async def busy(_: Mapping[str, str]) -> None:
    notify_ready()
    await asyncio.to_thread(time.sleep, 60)


async def stuck(way: str, environ: Mapping[str, str]) -> None:
    notify_ready()
    await asyncio.sleep(0.5)
    before = Path(environ["RONDO_DATA"], "was-stuck")
    if not before.exists():
        before.touch()
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
    main()
