"""The templates of the local backend: one an environment, as long as there is room for them.

A run never waits for a template. Where none is ready that has what the script imports, the run is
a new interpreter, and the template is made ready meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from libs.domain.errors import Rejected, Unavailable
from services.executor.template_process import Template

_log = logging.getLogger(__name__)

_FAILED_FOR = 60.0  # seconds until it is tried again
NOT_READY = "its template is not ready yet"

Start = Callable[[Path], Awaitable[Template]]


class _Place:
    """What is known of one environment."""

    def __init__(self) -> None:
        self.template: Template | None = None
        self.work: asyncio.Task[None] | None = None
        self.loaded: set[str] = set()
        self.refused: dict[str, str] = {}
        self.problem = ""
        self.retry_at = 0.0
        self.used = 0.0

    def missing(self, modules: Iterable[str]) -> list[str]:
        return [each for each in modules if each not in self.loaded and each not in self.refused]


class Templates:
    """At most `most` of them and `most_bytes` in memory, but for those that have runs."""

    def __init__(self, start: Start, most: int, most_bytes: int) -> None:
        self._start = start
        self._most = most
        self._most_bytes = most_bytes
        self._places: dict[Path, _Place] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def find(self, python: Path, modules: Iterable[str]) -> Template | str:
        """One that has imported what can be of `modules`; else why not, and it is on its way."""
        place = self._places.setdefault(python, _Place())
        now = place.used = asyncio.get_running_loop().time()
        if place.template and place.template.lost:
            self._give_up(place)
        if place.work and not place.work.done():
            return NOT_READY
        if place.problem and now < place.retry_at:
            return place.problem
        missing = place.missing(modules)
        if place.template and not missing:
            return place.template
        place.work = asyncio.create_task(self._prepare(python, place, missing))
        return NOT_READY

    async def warm(self, python: Path, modules: Iterable[str]) -> Template | str:
        """As `find`, but waits while it is not ready."""
        while (found := self.find(python, modules)) == NOT_READY:
            work = self._places[python].work
            if work:
                await asyncio.wait([work])
        return found

    async def close(self) -> None:
        """End all of them."""
        work = [place.work for place in self._places.values() if place.work]
        for each in work:
            each.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for place in self._places.values():
            self._give_up(place)
        await asyncio.gather(*self._closing)

    def _give_up(self, place: _Place) -> None:
        """Also one that is lost: its keepers that wait, and what was prepared in them, are ours."""
        if place.template:
            closing = asyncio.create_task(place.template.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        place.template, place.loaded = None, set()

    async def _prepare(self, python: Path, place: _Place, modules: list[str]) -> None:
        try:
            if place.template is None:
                place.template = await self._start(python)
            if modules:
                refused = await place.template.preload(modules)
                place.refused |= refused
                place.loaded |= set(modules) - refused.keys()
                for name, reason in refused.items():
                    _log.info("%s: %s is not preloaded: %s", python, name, reason)
            place.problem = ""
        except (Rejected, Unavailable, OSError, TimeoutError) as error:
            self._give_up(place)
            place.problem, place.retry_at = str(error), place.used + _FAILED_FOR
            _log.warning("%s: its runs are new interpreters: %s", python, error)
        await self._make_room()

    async def _make_room(self) -> None:
        """Give up the idle ones that were not used for longest."""
        living = {p: t for p in self._places.values() if (t := p.template) and not t.lost}
        memory = {place: template.memory() for place, template in living.items()}
        for place in sorted(living, key=lambda each: each.used)[:-1]:
            if len(memory) <= self._most and sum(memory.values()) <= self._most_bytes:
                break
            if living[place].runs == 0 and not (place.work and not place.work.done()):
                del memory[place]
                self._give_up(place)
        if self._closing:
            await asyncio.wait(self._closing)
