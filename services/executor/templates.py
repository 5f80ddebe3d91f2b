"""The templates of the local backend: one an environment, as long as there is room for them.

A run never waits for a template. Where none is ready that has what the script imports, the run is
a new interpreter, and the template is made ready meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from libs.domain.errors import Rejected, Unavailable
from services.executor.messages import Preload, Script
from services.executor.template_process import Template

_log = logging.getLogger(__name__)

_FAILED_FOR = 60.0  # seconds until it is tried again
_SCRIPTS, _SCRIPT_BYTES = 64, 1 << 17  # that one template compiles in advance; of each
NOT_READY = "its template is not ready yet"

Start = Callable[[Path], Awaitable[Template]]


class Wanted(NamedTuple):
    """What a run is to find loaded. `place` is where it finds its script, if all runs do there."""

    modules: Sequence[str]
    script: Path
    place: str

    def source(self) -> list[Script]:
        """To be compiled in advance; nothing where that can't be, or would take too much."""
        try:
            source = self.script.read_bytes() if self.place else b""
        except OSError:
            return []
        return [Script(self.place, source)] if 0 < len(source) <= _SCRIPT_BYTES else []


class _Place:
    """What is known of one environment."""

    def __init__(self) -> None:
        self.template: Template | None = None
        self.work: asyncio.Task[None] | None = None
        self.loaded: set[str] = set()
        self.scripts: set[Path] = set()
        self.compiled: set[int] = set()  # hashes of them
        self.refused: dict[str, str] = {}
        self.problem = ""
        self.retry_at = 0.0
        self.used = 0.0

    def knows(self, script: Path) -> bool:
        """Or is not to: as the next runs are rather those of others."""
        return script in self.scripts or len(self.scripts) >= _SCRIPTS

    def new(self, scripts: list[Script]) -> list[Script]:
        """Those that differ from all before: many uploads bring the same one."""
        new = [one for one in scripts if hash(one) not in self.compiled]
        self.compiled.update(map(hash, new))
        return new

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

    def find(self, python: Path, wanted: Wanted, compiled: bool = False) -> Template | str:
        """One that has imported what can be of the modules; else why not, and it is on its way.

        One that lacks no more than the script will do, unless that is to be `compiled` too.
        """
        place = self._places.setdefault(python, _Place())
        now = place.used = asyncio.get_running_loop().time()
        if place.template and place.template.lost:
            self._give_up(place)
        if place.work and not place.work.done():
            return NOT_READY
        if place.problem and now < place.retry_at:
            return place.problem
        missing = place.missing(wanted.modules)
        if place.template and not missing and (place.knows(wanted.script) or not compiled):
            return place.template
        wanted = wanted._replace(modules=missing)
        place.work = asyncio.create_task(self._prepare(python, place, wanted))
        return NOT_READY

    async def warm(self, python: Path, wanted: Wanted) -> Template | str:
        """As `find` with the script compiled, but waits while it is not ready."""
        while (found := self.find(python, wanted, compiled=True)) == NOT_READY:
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
        place.scripts, place.compiled = set(), set()

    async def _prepare(self, python: Path, place: _Place, wanted: Wanted) -> None:
        try:
            if place.template is None:
                place.template = await self._start(python)
            modules = list(wanted.modules)
            scripts: list[Script] = []
            if not place.knows(wanted.script):
                place.scripts.add(wanted.script)
                scripts = place.new(await asyncio.to_thread(wanted.source))
            if modules or scripts:
                refused = await place.template.preload(Preload(modules, scripts))
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
