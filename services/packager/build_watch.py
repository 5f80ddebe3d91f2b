"""Watches active builds, ends those that get nowhere, and keeps them apart from cache cleaning.

A build may take long while it makes progress. It is ended when its commands have done nothing for a
while, when it exceeds its time limit, and when the disk is nearly full: that one is tried again.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.service.disk_reserve import DiskReserve
from libs.telemetry.status import Building
from services.packager.progress import Progress, current

_CHECK_INTERVAL_SECONDS = 1.0
_REMEDY = "name exact versions and fewer packages"


class Bounds(msgspec.Struct, frozen=True):
    """The longest that a build may take in all, and without any progress."""

    seconds: float
    idle_seconds: float


class BuildWatch:
    """The active builds of one packager."""

    def __init__(self, bounds: Bounds, reserve: DiskReserve) -> None:
        self._bounds = bounds
        self._reserve = reserve
        self._builds: set[Progress] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._exclusive = asyncio.Lock()

    @asynccontextmanager
    async def build(self, name: str) -> AsyncIterator[None]:
        """A build goes on in this context. It raises Rejected when the build takes too long,
        Unavailable where the disk is the reason. `name` is the orchestration's id, or empty."""
        self._check_reserve()
        progress = Progress(name)
        async with self._exclusive:  # not beside what needs that there is none
            self._builds.add(progress)
            self._idle.clear()
        token = current.set(progress)
        try:
            async with self._bounded(progress):
                yield
        except OSError as error:
            raise Unavailable(f"the folder of environments: {error.strerror or error}") from error
        finally:
            current.reset(token)
            self._builds.discard(progress)
            if not self._builds:
                self._idle.set()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Waits until no build is active; new ones wait until the context ends."""
        async with self._exclusive:
            await self._idle.wait()
            yield

    def active_builds(self) -> list[Building]:
        """The builds that go on now, as the status shows them."""
        return [one.building() for one in self._builds]

    @asynccontextmanager
    async def _bounded(self, progress: Progress) -> AsyncIterator[None]:
        deadline, reasons = asyncio.timeout(None), list[Exception]()
        watcher = None
        try:
            async with deadline:
                watcher = asyncio.create_task(self._watch(progress, deadline, reasons))
                yield
        except TimeoutError as error:
            if not reasons:  # it was another's
                raise
            raise reasons[0] from error
        finally:
            if watcher:
                watcher.cancel()

    async def _watch(
        self, progress: Progress, deadline: asyncio.Timeout, reasons: list[Exception]
    ) -> None:
        """The deadline cancels the build at once, so its reason is noted before."""
        bounds, started_at = self._bounds, time.monotonic()
        last, since = progress.sample(), started_at
        while not reasons:
            await asyncio.sleep(min(_CHECK_INTERVAL_SECONDS, bounds.seconds / 4))
            now = progress.sample()
            if now is None or now != last:
                last, since = now, time.monotonic()
            elif (idle := time.monotonic() - since) > bounds.idle_seconds:
                reasons.append(_refusal(f"nothing has come for {idle:.0f} s", progress))
            if time.monotonic() - started_at > bounds.seconds:
                limit = f"not installed within the limit of {bounds.seconds:g} s"
                reasons.append(_refusal(limit, progress))
            if self._reserve.over():
                reasons.append(Unavailable("the disk is full: builds wait"))
        deadline.reschedule(asyncio.get_running_loop().time())

    def _check_reserve(self) -> None:
        if self._reserve.short():
            raise Unavailable("the disk is nearly full: builds wait")


def _refusal(what: str, progress: Progress) -> Rejected:
    return Rejected("invalid", f"requirements.txt: {what}, still {progress.describe()}; {_REMEDY}")
