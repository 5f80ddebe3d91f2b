"""A gateway in a process of its own: what it is told, what it reports, and its next life."""

import asyncio
import logging
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from uuid import UUID

from libs.service.handover import Channel
from libs.waiting.retry import back_off
from services.inference.gateway.figures import Figures
from services.inference.gateway.messages import (
    Activate,
    RemoveRoute,
    Report,
    SetRoute,
    decode_report,
    encode,
)
from services.inference.gateway.metrics import Counts, GatewayMetrics
from services.inference.gateway.table import Load, Route

logger = logging.getLogger(__name__)

_NOT_FOR_IT = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "RONDO_LISTEN_FDS")
_END_SECONDS = 2.0


class OtherGateway:
    """Kept alive by `run`; `environ` configures it as it does the service."""

    def __init__(self, environ: Mapping[str, str], metrics: GatewayMetrics) -> None:
        self.activate: Callable[[UUID], None] = lambda _: None
        self._environ = {key: it for key, it in environ.items() if key not in _NOT_FOR_IT}
        self._metrics = metrics
        self._routes: dict[UUID, Route] = {}
        self._channel: Channel | None = None
        self._returns: Channel | None = None  # where a connection goes that comes back
        self._sent = 0
        self._report_changed = asyncio.Condition()
        self._report = Report(0, [], [], {})
        self._loads: dict[UUID, Load] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._process: Process | None = None
        self._ready = asyncio.Event()  # it has begun to report: what it is given, it takes
        self._leaving = False

    def take(self, channel: Channel, connection: socket.socket, data: bytes) -> bool:
        """Whether it has the connection now."""
        self._returns = channel
        if not self._ready.is_set() or self._channel is None:
            return False
        if not self._channel.give(connection, data):
            return False
        connection.close()
        return True

    def route(self, route: Route) -> None:
        self._routes[route.id] = route
        self._sent += 1
        self._send(SetRoute(self._sent, route))

    def drop(self, id: UUID) -> None:
        if self._routes.pop(id, None) is not None:
            self._sent += 1
            self._send(RemoveRoute(self._sent, id))

    def busy(self, replica: UUID) -> bool:
        """As far as is known: until it has heard the latest, anything may be."""
        if self._channel is None:
            return False
        return self._report.number < self._sent or replica in self._report.replicas

    def load(self, id: UUID) -> Load:
        return self._loads.get(id) or Load(0, 0, 0.0, Figures().show())

    async def ready(self) -> None:
        """Returns once it takes callers."""
        await self._ready.wait()

    async def settled(self) -> None:
        """Returns once it has heard what was said up to now, or is gone."""
        number = self._sent
        async with self._report_changed:
            await self._report_changed.wait_for(
                lambda: self._channel is None or self._report.number >= number
            )

    async def leave(self, grace: float) -> None:
        """It answers what is under way, gives its callers back and ends."""
        self._leaving = True
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(grace + _END_SECONDS):
                await self._process.wait()
                await self._finish()
        except TimeoutError:
            self._process.kill()

    async def _finish(self) -> None:
        """What an ended process has said and given back is still on its way."""
        async with self._report_changed:
            await self._report_changed.wait_for(lambda: self._channel is None)

    async def run(self) -> None:
        """Until it leaves: starts it, and again when it has ended."""
        tries = 0
        while True:
            process = self._process = await self._start()
            try:
                status = await process.wait()
                if self._leaving:
                    return
                await self._finish()
                logger.warning("a gateway ended with status %d; it is started again", status)
            finally:
                if process.returncode is None:
                    process.terminate()
            await back_off(tries)
            tries += 1

    async def _start(self) -> Process:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "services.inference.gateway", str(theirs.fileno())),
            env=self._environ,
            pass_fds=[theirs.fileno()],
            stdin=asyncio.subprocess.DEVNULL,
        )
        theirs.close()
        self._report, self._loads = Report(0, [], [], {}), {}
        self._ready.clear()
        self._channel = Channel(ours, self._return, self._closed, self._receive)
        for route in self._routes.values():
            self._send(SetRoute(self._sent, route))
        return process

    def _send(self, order: SetRoute | RemoveRoute) -> None:
        if self._channel is not None:
            self._channel.send(encode(order))

    def _receive(self, data: bytes) -> None:
        report = decode_report(data)
        if isinstance(report, Activate):
            self.activate(report.id)
            return
        self._ready.set()
        self._metrics.add(self._counts, report.counts)
        quiet = {id: Load(0, 0, one.last, one.shown) for id, one in self._loads.items()}
        self._report, self._loads = report, quiet | dict(report.loads)
        self._notify()

    @property
    def _counts(self) -> Counts:
        return self._report.counts

    def _return(self, connection: socket.socket, data: bytes) -> None:
        """It is the api's again."""
        if self._returns is not None:
            self._returns.give(connection, data)
        connection.close()

    def _closed(self) -> None:
        self._channel = None
        self._ready.clear()
        self._loads = {}
        self._notify()

    def _notify(self) -> None:
        async def notify() -> None:
            async with self._report_changed:
                self._report_changed.notify_all()

        task = asyncio.get_running_loop().create_task(notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
