"""Inference: what a request takes beside the runtime alone, a plain server, KServe and MLServer.

All serve the same model and answer in turns, in short rounds of the same minutes: on a machine that
does other things too, least waits and CPU of a request say more than medians.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bench.figure import Figure, percentile, show
from bench.live import live
from bench.serving import forest, standing, waking
from bench.serving.client import Pass, drive
from bench.serving.measured import Field, Measured, cpu_of
from bench.serving.rivals import PEERS, PLAIN, PLAIN_ARROW, serving
from bench.serving.rondo import Platform
from bench.serving.server import Server

ROUNDS, SECONDS = 7, 0.6
CALLERS, ROW_CALLERS = 16, (2, 4)
NAME = "forest"


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as folder:
        model = forest.model(Path(folder) / "forest.onnx")
        async with live() as place:
            platform = Platform(place)
            ref = await platform.upload(NAME, model)
            number = await platform.deploy(NAME, await platform.pipeline(NAME, ref), {})
            await platform.running(NAME, number)
            ours = [platform.server(NAME, number, model, arrow=arrow) for arrow in (False, True)]
            figures = await _beside(ours, model)
            await platform.undeploy(number)
            figures += await waking.measure(platform, ref, model)
            figures += await standing.measure(platform, ref, model)
    return figures


async def _beside(ours: Sequence[Server], model: Path) -> list[Figure]:
    async with AsyncExitStack() as stack:
        servers = [
            *ours,
            *[
                (await stack.enter_async_context(serving(rival, model)))[0]
                for rival in (PLAIN, PLAIN_ARROW, *PEERS)
            ],
        ]
        measured = {each.name: Measured() for each in servers}
        bare, load = _Bare(model), os.getloadavg()[0]
        for _ in range(ROUNDS):
            bare.round()
            for server in servers:
                await _round(server, measured[server.name])
    print(f"load average {load:.1f} to {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return _figures(measured, bare)


async def _round(server: Server, into: Measured) -> None:
    into.one.add(await drive(server, server.row, 1, SECONDS))
    into.many.append(await drive(server, server.row, CALLERS, SECONDS))
    for callers in ROW_CALLERS:
        passed = await drive(server, server.rows, callers, SECONDS)
        into.rows.setdefault(callers, []).append(passed)


class _Bare:
    """The runtime in a loop of this process, with one thread and with as many as ours has."""

    def __init__(self, model: Path) -> None:
        self._sessions = {threads: forest.session(model, threads) for threads in (1, 4)}
        self.row = Pass()
        self._rows: dict[int, list[Pass]] = {threads: [] for threads in self._sessions}

    def round(self) -> None:
        self.row.add(_timed(self._sessions[1], 1))
        for threads, session in self._sessions.items():
            self._rows[threads].append(_timed(session, forest.COUNT))

    def rows_rate(self, threads: int) -> float:
        """Of the best round."""
        return forest.COUNT * max(each.rate for each in self._rows[threads])

    def rows_cpu(self, threads: int) -> float:
        return cpu_of(self._rows[threads])


def _timed(session: forest.Session, count: int) -> Pass:
    outcome, feeds = Pass(), forest.feeds(count)
    cpu, since = time.process_time(), time.perf_counter()
    while (began := time.perf_counter()) < since + SECONDS / 2:
        session.run(None, feeds)
        outcome.waits.append(time.perf_counter() - began)
    outcome.seconds, outcome.cpu = time.perf_counter() - since, time.process_time() - cpu
    return outcome


def _figures(measured: dict[str, Measured], bare: _Bare) -> list[Figure]:
    peers = {each.name: measured[each.name] for each in PEERS}
    json = Field(measured["ours, JSON"], (PLAIN.name, measured[PLAIN.name]), peers)
    plain = (PLAIN_ARROW.name, measured[PLAIN_ARROW.name])
    arrow = Field(measured["ours, Arrow"], plain, peers)
    rows, most = arrow.ours.rows_rate, bare.rows_rate(1)
    met = rows >= 0.7 * most
    four = ("rows/s, 1,000 by Arrow", rows, "1/s", "", None, "bare, 4 threads", bare.rows_rate(4))
    return [
        Figure("one row, bare onnxruntime, p50", percentile(bare.row.waits, 0.5) * 1e3, "ms"),
        *json.times("one row, JSON, p50", lambda each: each.p50),
        *json.times("one row, JSON, least", lambda each: each.least),
        *json.times("one row, JSON, CPU", lambda each: each.cpu),
        arrow.beside_plain("one row, Arrow, p50", lambda each: each.p50),
        arrow.beside_plain("one row, Arrow, CPU", lambda each: each.cpu),
        *json.rates("requests/s, 16 callers, one row", lambda each: each.rate, 1.5),
        json.beside_plain("one row, 16 callers, CPU", lambda each: each.many_cpu),
        Figure(*four[:3], ">= 0.7 of it", met, "bare, 1 thread", most),
        Figure(*four),
        *arrow.rates("rows/s, 1,000 by Arrow", lambda each: each.rows_rate, 2.5),
        arrow.beside_plain("1,000 rows, Arrow, CPU", lambda each: each.rows_cpu),
        Figure(
            *("1,000 rows, Arrow, CPU", arrow.ours.rows_cpu, "ms", "", None),
            *("bare, 4 threads", bare.rows_cpu(4)),
        ),
        json.beside_plain("1,000 rows, JSON, CPU", lambda each: each.rows_cpu),
    ]


if __name__ == "__main__":
    show(measure())
