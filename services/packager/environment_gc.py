"""Keeps the environments: removes those that nobody needs, and makes removed ones again.

A removed one is made again from its lock as soon as a task is created that needs it; so is one
whose folder was lost, at the start. The executor waits for it meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.eventlog.log import EventLog
from libs.telemetry.registry import MetricRegistry, Reading
from libs.telemetry.status import Environment, Status
from libs.waiting.event import set_within
from libs.waiting.retry import retry
from services.packager.build import Builder
from services.packager.environment_store import Kept, Shelf
from services.packager.environment_usage import SUBJECTS, Usage

logger = logging.getLogger(__name__)

_PERIOD = 3600.0


class Keeper:
    def __init__(
        self, log: EventLog, builder: Builder, shelf: Shelf, metrics: MetricRegistry
    ) -> None:
        self._log = log
        self._builder = builder
        self._shelf = shelf
        self._usage = Usage(log)
        self._kept: list[Kept] = []
        self._needed: set[str] = set()
        self._looked = asyncio.Event()
        self._pruned = metrics.counter(
            "rondo_environments_pruned", "Environments removed since nobody needed them."
        ).of()
        metrics.source(self._readings)

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            caught_up = asyncio.Event()
            tasks.create_task(self._follow(caught_up))
            await caught_up.wait()
            while True:
                await self._patiently(self.tick)
                self._looked.clear()
                await self._pause()

    def look_again(self) -> None:
        """There is a new one."""
        self._looked.set()

    async def tick(self) -> None:
        """Makes what is needed and not there, removes what is there and not needed."""
        self._needed = await self._usage.needed()
        for id in sorted(self._needed):
            await self._ensure(id)
        for id in await self._builder.prune(self._needed):
            self._pruned.add()
            logger.info("removed environment %s: nobody needs it", id)
        self._kept = await asyncio.to_thread(self._shelf.kept)

    def described(self, status: Status) -> Status:
        found = [
            Environment(one.id, one.bytes, one.own_bytes, one.last_used_at, one.id in self._needed)
            for one in self._kept
        ]
        return msgspec.structs.replace(status, environments=found, builds=self._builder.under_way())

    async def _pause(self) -> None:
        await set_within(self._looked, _PERIOD)

    async def _follow(self, caught_up: asyncio.Event) -> None:
        end = max([await self._log.last_seq_over(subject) for subject in SUBJECTS])
        if not end:
            caught_up.set()
        async for batch in self._log.follow(0, SUBJECTS):
            asked = {self._usage.fold(fact) for fact in batch} - {""}
            if caught_up.is_set():
                for id in asked:
                    await self._patiently(lambda id=id: self._ensure(id))  # type: ignore[misc]
            elif batch[-1].seq >= end:
                caught_up.set()

    async def _ensure(self, id: str) -> None:
        """The environment is there, and counts as used now."""
        if self._shelf.use(id):  # one system call for each task: a thread would take longer
            return
        lock = await asyncio.to_thread(self._shelf.lock, id)
        if lock is None:
            logger.error("environment %s is lost with its lock: upload what needs it again", id)
            return
        logger.info("environment %s is made again", id)
        try:
            await self._builder.rebuild(id, lock)
        except Rejected as refusal:
            logger.error("environment %s can't be made again: %s", id, refusal.message)

    async def _patiently(self, attempt: Callable[[], Awaitable[None]]) -> None:
        async def tried() -> None:
            try:
                await attempt()
            except OSError as problem:  # a disk may be full, or be gone for a while
                raise Unavailable(str(problem)) from problem

        def waits(problem: Unavailable) -> None:
            logger.warning("environments wait: %s", problem)

        await retry(tried, None, on_failure=waits)

    async def _readings(self) -> list[Reading]:
        own = sum(one.own_bytes for one in self._kept)
        return [
            Reading("rondo_environments", "Environments kept.", len(self._kept)),
            Reading("rondo_environments_bytes", "What is theirs alone on disk.", own),
        ]
