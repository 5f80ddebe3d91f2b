"""A further gateway, in a process of its own: it serves connections that it is given.

Control starts it, tells it the routes, and gives it callers, all on one channel; with that it ends.
When it is to end otherwise (SIGTERM), it answers what is under way and gives its callers back.
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Mapping

from libs.linux import syscalls
from libs.service.config import load
from libs.service.disk_reserve import DiskReserve
from libs.service.handover import Channel
from libs.service.http import calling
from libs.service.main import run
from libs.telemetry.registry import MetricRegistry
from services.inference.config import Config
from services.inference.gateway.callers import Callers
from services.inference.gateway.gateway import Gateway
from services.inference.gateway.messages import Activate, Report, SetRoute, decode_order, encode
from services.inference.gateway.metrics import GatewayMetrics
from services.inference.gateway.permits import Permits
from services.inference.logs.config import RECORDS
from services.inference.logs.write import Writer

_REPORT_SECONDS = 0.1
_MAX_LOADS = 1000  # in a report, which is one message


class Reporter:
    """Tells control what the gateway does: at once what was heard, else when it has changed."""

    def __init__(self, gateway: Gateway, metrics: GatewayMetrics) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._number = 0
        self._last, self._since = b"", time.monotonic()
        self.channel: Channel | None = None

    def receive(self, data: bytes) -> None:
        order = decode_order(data)
        self._number = order.number
        if isinstance(order, SetRoute):
            self._gateway.route(order.route)
        else:
            self._gateway.drop(order.id)
        self.report()

    def report(self) -> None:
        pools = self._gateway.pools.items()
        busy = {link.id for _, pool in pools for link in pool.running}
        used = [id for id, pool in pools if pool.depth or pool.figures.last > self._since]
        loads = [(id, self._gateway.load(id)) for id in used[:_MAX_LOADS]]
        report = encode(Report(self._number, loads, list(busy), self._metrics.counts()))
        if report != self._last and self.channel is not None:
            self._last, self._since = report, time.monotonic() - _REPORT_SECONDS
            self.channel.send(report)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            self.report()


async def main(environ: Mapping[str, str]) -> None:
    syscalls.die_with_parent(signal.SIGTERM)
    config = load(Config, environ)
    metrics = GatewayMetrics(MetricRegistry())
    writer = Writer(config.data / RECORDS, DiskReserve.of(config), config.log_sync_seconds)
    async with calling(config.api_url or config.public_url) as api:
        permits = Permits(api, config.internal_token)
        gateway = Gateway(permits, writer, metrics, config.infer_queue, config.infer_timeout)
        callers = Callers(gateway, config.infer_body_mib << 20)
        reporter = Reporter(gateway, metrics)
        over = asyncio.Event()
        channel = Channel(
            socket.socket(fileno=int(sys.argv[1])),
            lambda connection, data: callers.take(channel, connection, data),
            over.set,
            reporter.receive,
        )
        reporter.channel = channel
        gateway.activate = lambda id: channel.send(encode(Activate(id)))
        try:
            async with asyncio.TaskGroup() as tasks:
                going_on = [tasks.create_task(each.run()) for each in (gateway, callers, reporter)]
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    channel.stop_taking()
                    await callers.leave(config.infer_grace)
                    reporter.report()
                    raise
                for each in going_on:
                    each.cancel()
        finally:
            writer.close()


if __name__ == "__main__":
    run("gateway", main)
