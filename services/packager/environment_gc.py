"""Removes environments that nobody needs, and builds removed ones again.

An environment is built again from its lock as soon as a task is created that needs it, or a model
is deployed. One whose folder was lost is built again when the packager starts. The executor, and
the inference service, wait for it meanwhile.
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
from services.packager.environment_store import EnvironmentStore, StoredEnvironment
from services.packager.environment_usage import SUBJECTS, EnvironmentUsage

logger = logging.getLogger(__name__)

_TICK_INTERVAL_SECONDS = 3600.0


class EnvironmentGC:
    """Keeps the folder of environments in step with what tasks need."""

    def __init__(
        self, log: EventLog, builder: Builder, store: EnvironmentStore, metrics: MetricRegistry
    ) -> None:
        self._log = log
        self._builder = builder
        self._store = store
        self._usage = EnvironmentUsage(log)
        self._environments: list[StoredEnvironment] = []
        self._needed: set[str] = set()
        self._wake = asyncio.Event()
        self._pruned = metrics.counter(
            "rondo_environments_pruned", "Environments removed since nobody needed them."
        ).of()
        metrics.source(self._readings)

    async def run(self) -> None:
        """Runs for ever: follows the log, and ticks every hour or when it is woken."""
        async with asyncio.TaskGroup() as tasks:
            caught_up = asyncio.Event()
            tasks.create_task(self._follow(caught_up))
            await caught_up.wait()
            while True:
                await self._retry(self.tick)
                self._wake.clear()
                await self._pause()

    def wake(self) -> None:
        """Ends the pause before the next tick, since there is a new environment."""
        self._wake.set()

    async def tick(self) -> None:
        """Builds what is needed and missing; removes what nobody needs beyond the limits."""
        self._needed = await self._usage.needed()
        for id in sorted(self._needed):
            await self._ensure(id)
        for id in await self._builder.prune(self._needed):
            self._pruned.add()
            logger.info("removed environment %s: nobody needs it", id)
        self._environments = await asyncio.to_thread(self._store.environments)

    def extend_status(self, status: Status) -> Status:
        """The packager's status with the stored environments and the active builds."""
        environments = [
            Environment(one.id, one.bytes, one.own_bytes, one.last_used_at, one.id in self._needed)
            for one in self._environments
        ]
        return msgspec.structs.replace(
            status, environments=environments, builds=self._builder.active_builds()
        )

    async def _pause(self) -> None:
        await set_within(self._wake, _TICK_INTERVAL_SECONDS)

    async def _follow(self, caught_up: asyncio.Event) -> None:
        end = max([await self._log.last_seq_over(subject) for subject in SUBJECTS])
        if not end:
            caught_up.set()
        async for batch in self._log.follow(0, SUBJECTS):
            added = set[str]().union(*[self._usage.fold(fact) for fact in batch])
            if caught_up.is_set():
                for id in added:
                    await self._retry(lambda id=id: self._ensure(id))  # type: ignore[misc]
            elif batch[-1].seq >= end:
                caught_up.set()

    async def _ensure(self, id: str) -> None:
        """The environment is there, and counts as used now."""
        if self._store.use(id):  # one system call for each task: a thread would take longer
            return
        lock = await asyncio.to_thread(self._store.lock, id)
        if lock is None:
            logger.error("environment %s is lost with its lock: upload what needs it again", id)
            return
        logger.info("environment %s is made again", id)
        try:
            await self._builder.rebuild(id, lock)
        except Rejected as refusal:
            logger.error("environment %s can't be made again: %s", id, refusal.message)

    async def _retry(self, attempt: Callable[[], Awaitable[None]]) -> None:
        async def attempt_once() -> None:
            try:
                await attempt()
            except OSError as problem:  # a disk may be full, or be gone for a while
                raise Unavailable(str(problem)) from problem

        def log_failure(problem: Unavailable) -> None:
            logger.warning("environments wait: %s", problem)

        await retry(attempt_once, None, on_failure=log_failure)

    async def _readings(self) -> list[Reading]:
        own = sum(one.own_bytes for one in self._environments)
        return [
            Reading("rondo_environments", "Environments kept.", len(self._environments)),
            Reading("rondo_environments_bytes", "What is theirs alone on disk.", own),
        ]
