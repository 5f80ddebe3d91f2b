"""The zygotes of the local backend: one for all scripts of an environment that import alike, as
long as there is room for them (docs/adr/0020).

A run never waits for a zygote. Where none is ready that has what the script imports, the run is
a new interpreter, and the zygote is made ready meanwhile.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from libs.domain.errors import Rejected, Unavailable
from services.executor.local.protocol import Preload, Preloaded, Script
from services.executor.local.zygote.neutral_modules import is_neutral
from services.executor.local.zygote.script_imports import Ahead
from services.executor.local.zygote_client import ZygoteClient

_log = logging.getLogger(__name__)

_FAILED_FOR = 60.0  # seconds until it is tried again
_SCRIPTS, _SCRIPT_BYTES = 64, 1 << 17  # that one zygote compiles in advance; of each
NOT_READY = "its template is not ready yet"

Start = Callable[[Path, str], Awaitable[ZygoteClient]]


class Key(NamedTuple):
    """What runs must have in common to be forked from one zygote."""

    python: Path
    place: str  # where they find their script, if all do there
    imports: tuple[str, ...]  # those that are not neutral, in their order


class Wanted(NamedTuple):
    """What a run is to find loaded. `place` is where it finds its script, if all runs do there."""

    python: Path
    ahead: Ahead
    code: Path  # seen as the run's home
    script: Path
    place: str
    variables: frozenset[str]  # that this run has otherwise than the zygote

    @property
    def key(self) -> Key:
        ordered = tuple(each for each in self.ahead.statements if not is_neutral(each))
        return Key(self.python, self.place, ordered)

    def neutral(self) -> list[str]:
        """The imports that are the same for every script."""
        return list(filter(is_neutral, self.ahead.statements))

    def source(self) -> list[Script]:
        """To be compiled in advance; nothing where that can't be, or would take too much."""
        try:
            source = self.script.read_bytes() if self.place else b""
        except OSError:
            return []
        return [Script(self.place, source)] if 0 < len(source) <= _SCRIPT_BYTES else []


class _Place:
    """What is known of one zygote, whether it is there or not."""

    def __init__(self) -> None:
        self.zygote: ZygoteClient | None = None
        self.work: asyncio.Task[None] | None = None
        self.done: set[str] = set()  # imports that it has carried out, or refused
        self.scripts: set[Path] = set()
        self.compiled: set[int] = set()  # hashes of them
        self.refused: dict[str, str] = {}
        self.problem = ""
        self.retry_at = 0.0
        self.used = 0.0

    def is_of_use(self) -> bool:
        return bool(self.zygote or self.problem or (self.work and not self.work.done()))

    def knows(self, script: Path) -> bool:
        """Or is not to: as the next runs are rather those of others."""
        return script in self.scripts or len(self.scripts) >= _SCRIPTS

    def new(self, scripts: list[Script]) -> list[Script]:
        """Those that differ from all before: many uploads bring the same one."""
        new = [one for one in scripts if hash(one) not in self.compiled]
        self.compiled.update(map(hash, new))
        return new

    def missing(self, imports: Iterable[str]) -> list[str]:
        return [each for each in imports if each not in self.done]


class ZygotePool:
    """At most `most` of them and `most_bytes` in memory, but for those that have runs."""

    def __init__(self, start: Start, most: int, most_bytes: int) -> None:
        self._start = start
        self._most = most
        self._most_bytes = most_bytes
        self._places: dict[Key, _Place] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def find(self, wanted: Wanted, compiled: bool = False) -> ZygoteClient | str:
        """One that has carried out what can be of the imports; else why not, and it is on its way.

        One that lacks no more than the script will do, unless that is to be `compiled` too.
        """
        key = wanted.key
        place = self._places.setdefault(key, _Place())
        now = place.used = asyncio.get_running_loop().time()
        if place.zygote and place.zygote.lost:
            self._give_up(place)
        if place.work and not place.work.done():
            return NOT_READY
        if place.problem and now < place.retry_at:
            return place.problem
        missing = place.missing(wanted.ahead.statements)
        if place.zygote and not missing and (place.knows(wanted.script) or not compiled):
            return _at_odds(wanted, place.zygote.holds) or place.zygote
        place.work = asyncio.create_task(self._prepare(key, place, wanted))
        return NOT_READY

    def left(self, wanted: Wanted) -> str:
        """Why a fork imports by itself what stands at the top of its script; empty if nothing."""
        place = self._places.get(wanted.key)
        refused = place.refused if place else {}
        for each in wanted.key.imports:
            if each in refused:
                return f"{each}: {refused[each]}"
        return wanted.ahead.left

    async def warm(self, wanted: Wanted) -> ZygoteClient | str:
        """As `find` with the script compiled, but waits while it is not ready."""
        while (found := self.find(wanted, compiled=True)) == NOT_READY:
            work = self._places[wanted.key].work
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
        """Also one that is lost: its shims that wait, and what was prepared in them, are ours."""
        if place.zygote:
            closing = asyncio.create_task(place.zygote.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        place.zygote, place.done = None, set()
        place.scripts, place.compiled, place.refused = set(), set(), {}

    async def _prepare(self, key: Key, place: _Place, wanted: Wanted) -> None:
        try:
            if place.zygote is None:
                place.zygote = await self._start(key.python, key.place)
            order = await self._order(key, place, wanted)
            if order.neutral or order.imports or order.scripts:
                refused = await place.zygote.preload(order)
                place.done |= {*order.neutral, *order.imports}
                place.refused |= refused
                for each, reason in refused.items():
                    _log.info("%s: %s is not preloaded: %s", key.python, each, reason)
            place.problem = ""
        except (Rejected, Unavailable, OSError, TimeoutError) as error:
            self._give_up(place)
            place.problem, place.retry_at = str(error), place.used + _FAILED_FOR
            _log.warning("%s: its runs are new interpreters: %s", key.python, error)
        await self._make_room()

    async def _order(self, key: Key, place: _Place, wanted: Wanted) -> Preload:
        scripts: list[Script] = []
        if not place.knows(wanted.script):
            place.scripts.add(wanted.script)
            scripts = place.new(await asyncio.to_thread(wanted.source))
        neutral, imports = place.missing(wanted.neutral()), place.missing(key.imports)
        return Preload(neutral, imports, scripts)

    async def _make_room(self) -> None:
        """Give up the idle ones that were not used for longest."""
        living = {p: t for p in self._places.values() if (t := p.zygote) and not t.lost}
        memory = {place: zygote.memory() for place, zygote in living.items()}
        for place in sorted(living, key=lambda each: each.used)[:-1]:
            if len(memory) <= self._most and sum(memory.values()) <= self._most_bytes:
                break
            if living[place].runs == 0 and not (place.work and not place.work.done()):
                del memory[place]
                self._give_up(place)
        self._places = {key: each for key, each in self._places.items() if each.is_of_use()}
        if self._closing:
            await asyncio.wait(self._closing)


def _at_odds(wanted: Wanted, holds: Preloaded) -> str:
    """Why what a zygote holds is not what a new interpreter would have of this run's."""
    for name in sorted(wanted.ahead.names.intersection(holds.found)):
        return f"{name} of the upload has the name of a module that is loaded"
    for name in sorted(wanted.variables.intersection(holds.variables)):
        return f"packages look at {name} when they are imported"
    for name in holds.files:
        file = wanted.code / name
        if file != wanted.script and os.path.lexists(file):  # that is looked at to quote it
            return f"packages look at {name} of the upload when they are imported"
    return ""
