"""Builds under way: watched, ended when they get nowhere, and kept apart from what can't be beside.

A build may take as long as it gets on. It is ended when its commands have done nothing for a while,
when it takes longer than any should, and when the disk is nearly full: that one is tried again.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.service.room import Room
from libs.telemetry.status import Building
from services.packager.progress import Progress, current

_LOOK_EVERY = 1.0  # seconds
_REMEDY = "name exact versions and fewer packages"


class Bounds(msgspec.Struct, frozen=True):
    """Seconds: of a build, and of its commands without any progress."""

    seconds: float
    idle_seconds: float


class Watched:
    """The builds of one packager."""

    def __init__(self, bounds: Bounds, room: Room) -> None:
        self._bounds = bounds
        self._room = room
        self._builds: set[Progress] = set()
        self._none = asyncio.Event()
        self._none.set()
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def build(self, name: str) -> AsyncIterator[None]:
        """Raises Rejected when it takes too long, Unavailable where the disk is the reason."""
        self._check_room()
        progress = Progress(name)
        async with self._alone:  # not beside what needs that there is none
            self._builds.add(progress)
            self._none.clear()
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
                self._none.set()

    @asynccontextmanager
    async def nothing(self) -> AsyncIterator[None]:
        """While there is no build; those that come wait."""
        async with self._alone:
            await self._none.wait()
            yield

    def under_way(self) -> list[Building]:
        return [one.building() for one in self._builds]

    @asynccontextmanager
    async def _bounded(self, progress: Progress) -> AsyncIterator[None]:
        ends, why = asyncio.timeout(None), list[Exception]()
        watching = None
        try:
            async with ends:
                watching = asyncio.create_task(self._watch(progress, ends, why))
                yield
        except TimeoutError as error:
            if not why:  # it was another's
                raise
            raise why[0] from error
        finally:
            if watching:
                watching.cancel()

    async def _watch(self, progress: Progress, ends: asyncio.Timeout, why: list[Exception]) -> None:
        """What is at an end gives up what it was at, so the reason is noted before."""
        bounds, begun = self._bounds, time.monotonic()
        seen, since = progress.look(), begun
        while not why:
            await asyncio.sleep(min(_LOOK_EVERY, bounds.seconds / 4))
            now = progress.look()
            if now is None or now != seen:
                seen, since = now, time.monotonic()
            elif (idle := time.monotonic() - since) > bounds.idle_seconds:
                why.append(_refusal(f"nothing has come for {idle:.0f} s", progress))
            if time.monotonic() - begun > bounds.seconds:
                limit = f"not installed within the limit of {bounds.seconds:g} s"
                why.append(_refusal(limit, progress))
            if self._room.over():
                why.append(Unavailable("the disk is full: builds wait"))
        ends.reschedule(asyncio.get_running_loop().time())

    def _check_room(self) -> None:
        if self._room.short():
            raise Unavailable("the disk is nearly full: builds wait")


def _refusal(what: str, progress: Progress) -> Rejected:
    return Rejected("invalid", f"requirements.txt: {what}, still {progress.doing()}; {_REMEDY}")
