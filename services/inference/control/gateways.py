"""All gateways as control sees them: the one of its own process, and any number of others."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from libs.service.handover import Channel
from services.inference.control.other_gateway import OtherGateway
from services.inference.gateway.callers import Callers
from services.inference.gateway.gateway import Gateway
from services.inference.gateway.table import Load, Route, together

START_TIMEOUT_SECONDS = 30.0


class AllGateways:
    """See Gateways of reconciler.py. Connections of callers are dealt out in turn."""

    def __init__(self, own: Gateway, callers: Callers, others: Sequence[OtherGateway]) -> None:
        self._own = own
        self._callers = callers
        self._others = others
        self._turn = 0

    def on_activate(self, activate: Callable[[UUID], None]) -> None:
        """It is called with a deployment that has a request and no replica."""
        self._own.activate = activate
        for other in self._others:
            other.activate = activate

    def take(self, channel: Channel, connection: socket.socket, data: bytes) -> None:
        """A caller's connection, which may go back by `channel`."""
        self._turn = (self._turn + 1) % (len(self._others) + 1)
        if self._turn and self._others[self._turn - 1].take(channel, connection, data):
            return
        self._callers.take(channel, connection, data)

    def route(self, route: Route) -> None:
        self._own.route(route)
        for other in self._others:
            other.route(route)

    def drop(self, id: UUID) -> None:
        self._own.drop(id)
        for other in self._others:
            other.drop(id)

    def busy(self, id: UUID, replica: UUID) -> bool:
        pool = self._own.pools.get(id)
        here = pool is not None and pool.runs(replica) > 0
        return here or any(other.busy(replica) for other in self._others)

    def load(self, id: UUID) -> Load:
        return together([self._own.load(id), *(other.load(id) for other in self._others)])

    async def ready(self) -> None:
        """Returns once all take callers, or START_TIMEOUT_SECONDS later."""
        with suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                for other in self._others:
                    await other.ready()

    async def leave(self, grace: float) -> None:
        """They answer what is under way, and give their callers back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._callers.leave(grace))
            for other in self._others:
                tasks.create_task(other.leave(grace))

    async def settled(self) -> None:
        """Returns once all have heard what was said up to now."""
        for other in self._others:
            await other.settled()
