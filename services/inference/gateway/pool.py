"""The queue of one deployment, and the connections to its replicas.

A request is given to a free connection of the replica that runs least; else it waits, first come
first served. One whose replica dies goes to another, as the first in the queue. One that waits in a
replica behind slow ones goes to another that has a thread free.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

from services.inference.gateway.errors import NoAnswer, busy, failed, refusal
from services.inference.gateway.figures import Figures
from services.inference.gateway.link import Link
from services.inference.gateway.table import Member, Route
from services.inference.gateway.tickets import Result, Ticket

logger = logging.getLogger(__name__)

MAX_LOST = 3  # replicas that one request may take down with it
_RECONNECT_SECONDS = 0.05
_BLOCKED_SECONDS = 0.1  # for which nothing is sent to a replica in which a request waits


class Pool:
    """`activate` is called when a request comes and there is no replica."""

    def __init__(self, route: Route, max_waiting: int, activate: Callable[[UUID], None]) -> None:
        self.route = route
        self.figures = Figures()
        self.waiting: deque[Ticket] = deque()
        self.running: dict[Link, Ticket] = {}
        self._members: dict[UUID, Member] = {}
        self._free: list[Link] = []
        self._links: set[Link] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._max_waiting = max_waiting
        self._activate = activate
        self._last = 0
        self._queued: dict[Link, None] = {}  # whose requests wait in their replicas, oldest first
        self._blocked: dict[UUID, float] = {}  # replicas of these, until when

    @property
    def depth(self) -> int:
        """Requests that wait or run."""
        return len(self.waiting) + len(self.running)

    def update(self, route: Route) -> None:
        """Who serves from now on. A member that is left out finishes what it has begun."""
        self.route = route
        before, self._members = self._members, {one.id: one for one in route.members}
        for link in [each for each in self._free if each.id not in self._members]:
            link.abort()
        for one in route.members:
            if one.id not in before:
                for _ in range(one.connections):
                    self._open(one)
        if route.failure:
            self._end_all(failed(route.name, route.failure))

    def close(self) -> None:
        """It is served no more: who waits is told so, what runs is given up."""
        self._members = {}
        self._end_all(refusal(404, f"pipeline {self.route.name!r} was undeployed"))
        for link in list(self._links):
            link.abort()

    def submit(self, ticket: Ticket) -> None:
        """Runs it as soon as a replica is free."""
        if self.route.failure:
            ticket.end(failed(self.route.name, self.route.failure))
        elif (link := self._free_link()) is not None:
            self._send(link, ticket)
        elif len(self.waiting) >= self._max_waiting:
            ticket.end(busy(len(self.waiting)))
        else:
            self.waiting.append(ticket)
            if not self._members:
                self._activate(self.route.id)

    def drop(self, ticket: Ticket) -> None:
        """Nobody waits for it any more: what runs for it is cancelled."""
        ticket.drop()
        if ticket.link is not None:
            ticket.link.abort()
        else:
            with suppress(ValueError):
                self.waiting.remove(ticket)

    def expire(self, before: float) -> None:
        """Ends what has come before an instant of time.monotonic() and is not answered."""
        for ticket in [one for one in self.waiting if one.since < before]:
            ticket.end(refusal(504, "no replica was free in time; try again, or scale it up"))
            self.drop(ticket)
        for ticket in [one for one in self.running.values() if one.since < before]:
            ticket.end(refusal(504, "the inference took too long and was given up"))
            self.drop(ticket)

    def stamp(self) -> int:
        """See Owner."""
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last

    def opened(self, link: Link) -> None:
        """See Owner."""
        self._links.add(link)
        self._next(link)

    def answered(self, link: Link, ticket: Ticket, result: Result) -> None:
        """See Owner."""
        self.running.pop(link, None)
        self._queued.pop(link, None)
        self._blocked.pop(link.id, None)
        self._next(link)
        ticket.end(result)

    def queued(self, link: Link) -> None:
        """See Owner."""
        self._blocked[link.id] = time.monotonic() + _BLOCKED_SECONDS
        self._queued[link] = None
        other = self._free_link(idle=True)
        if other is not None:
            self._move(link, other)

    def lost(self, link: Link, ticket: Ticket | None) -> None:
        """See Owner."""
        self._links.discard(link)
        self.running.pop(link, None)
        self._queued.pop(link, None)
        with suppress(ValueError):
            self._free.remove(link)
        if ticket is not None and not ticket.over:
            ticket.lost.add(link.id)
            if ticket.spans is not None:
                ticket.spans.queued()
            self._again(ticket)
        if (member := self._members.get(link.id)) is not None:
            self._open(member)

    def runs(self, id: UUID) -> int:
        """How many requests a replica has under way, a member or not."""
        return sum(link.id == id for link in self.running)

    def _end_all(self, outcome: NoAnswer) -> None:
        for ticket in [*self.waiting, *self.running.values()]:
            ticket.end(outcome)
        self.waiting.clear()

    def _again(self, ticket: Ticket) -> None:
        if len(ticket.lost) >= MAX_LOST:
            text = f"{len(ticket.lost)} replicas ended while they ran this request"
            ticket.end(refusal(500, text))
            return
        if (link := self._free_link()) is not None:
            self._send(link, ticket)
            return
        self.waiting.appendleft(ticket)
        if not self._members:
            self._activate(self.route.id)

    def _next(self, link: Link) -> None:
        if link.id not in self._members:
            link.abort()
            return
        for other in [each for each in self._queued if each.id != link.id]:
            self._move(other, link)
            return
        while self.waiting:
            ticket = self.waiting.popleft()
            if not ticket.over:
                self._send(link, ticket)
                return
        self._free.append(link)

    def _move(self, link: Link, other: Link) -> None:
        self._queued.pop(link, None)
        self.running.pop(link, None)
        if (ticket := link.take_back()) is not None:
            self._send(other, ticket)

    def _free_link(self, *, idle: bool = False) -> Link | None:
        """One of the replica that runs least, if need be of one in which a request waits; with
        `idle` only of one that begins at once."""
        if len(self._members) < 2:
            return self._free.pop() if self._free and not idle else None
        busy = dict.fromkeys(self._members, 0)
        for link in self.running:
            busy[link.id] = busy.get(link.id, 0) + 1
        best: tuple[int, int] | None = None
        now = time.monotonic()
        for at, link in enumerate(self._free):
            runs = busy[link.id]
            blocked = self._blocked.get(link.id, 0.0) > now
            if (blocked and (idle or self.running)) or (
                idle and runs >= self._members[link.id].at_once
            ):
                continue
            if best is None or runs < best[0]:
                best = runs, at
        return self._free.pop(best[1]) if best else None

    def _send(self, link: Link, ticket: Ticket) -> None:
        self.running[link] = ticket
        link.send(ticket)

    def _open(self, member: Member) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(member))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, member: Member) -> None:
        """Until it has succeeded, or the replica is no member any more."""
        loop = asyncio.get_running_loop()
        while member.id in self._members:
            with suppress(OSError):
                link = partial(Link, self, member.id, member.version)
                await loop.create_unix_connection(link, member.socket)
                return
            await asyncio.sleep(_RECONNECT_SECONDS)
