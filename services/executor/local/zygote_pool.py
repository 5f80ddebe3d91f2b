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
from services.executor.local.zygote.script_imports import ScriptImports
from services.executor.local.zygote_client import ZygoteClient

_log = logging.getLogger(__name__)

_FAILED_FOR = 60.0  # seconds until it is tried again
_SCRIPTS, _SCRIPT_BYTES = 64, 1 << 17  # that one zygote compiles in advance; of each
NOT_READY = "its template is not ready yet"

Start = Callable[[Path, str], Awaitable[ZygoteClient]]


class Key(NamedTuple):
    """What runs must have in common to be forked from one zygote."""

    python: Path
    script_path: str  # where they find their script, if all do there
    imports: tuple[str, ...]  # those that are not neutral, in their order


class ZygoteRequest(NamedTuple):
    """What a run is to find loaded. `script_path` is as in Key."""

    python: Path
    imports: ScriptImports
    code: Path  # seen as the run's home
    script: Path
    script_path: str
    variables: frozenset[str]  # that this run has otherwise than the zygote

    @property
    def key(self) -> Key:
        """Of the zygotes that it can be forked from."""
        ordered = tuple(each for each in self.imports.statements if not is_neutral(each))
        return Key(self.python, self.script_path, ordered)

    def neutral(self) -> list[str]:
        """The imports that are the same for every script."""
        return list(filter(is_neutral, self.imports.statements))

    def source(self) -> list[Script]:
        """To be compiled in advance; nothing where that can't be, or would take too much."""
        try:
            source = self.script.read_bytes() if self.script_path else b""
        except OSError:
            return []
        return [Script(self.script_path, source)] if 0 < len(source) <= _SCRIPT_BYTES else []


class _Entry:
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
    """At most `max_zygotes` of them and `max_bytes` in memory, but for those that have runs."""

    def __init__(self, start: Start, max_zygotes: int, max_bytes: int) -> None:
        self._start = start
        self._max_zygotes = max_zygotes
        self._max_bytes = max_bytes
        self._entries: dict[Key, _Entry] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def find(self, request: ZygoteRequest, compiled: bool = False) -> ZygoteClient | str:
        """One that has carried out what can be of the imports; else why not, and it is on its way.

        One that lacks no more than the script will do, unless that is to be `compiled` too.
        """
        key = request.key
        entry = self._entries.setdefault(key, _Entry())
        now = entry.used = asyncio.get_running_loop().time()
        if entry.zygote and entry.zygote.lost:
            self._give_up(entry)
        if entry.work and not entry.work.done():
            return NOT_READY
        if entry.problem and now < entry.retry_at:
            return entry.problem
        missing = entry.missing(request.imports.statements)
        if entry.zygote and not missing and (entry.knows(request.script) or not compiled):
            return _at_odds(request, entry.zygote.preloaded) or entry.zygote
        entry.work = asyncio.create_task(self._prepare(key, entry, request))
        return NOT_READY

    def own_imports(self, request: ZygoteRequest) -> str:
        """Why a fork imports by itself what stands at the top of its script; empty if nothing."""
        entry = self._entries.get(request.key)
        refused = entry.refused if entry else {}
        for each in request.key.imports:
            if each in refused:
                return f"{each}: {refused[each]}"
        return request.imports.own_imports

    async def warm(self, request: ZygoteRequest) -> ZygoteClient | str:
        """As `find` with the script compiled, but waits while it is not ready."""
        while (found := self.find(request, compiled=True)) == NOT_READY:
            work = self._entries[request.key].work
            if work:
                await asyncio.wait([work])
        return found

    async def close(self) -> None:
        """End all of them."""
        work = [entry.work for entry in self._entries.values() if entry.work]
        for each in work:
            each.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for entry in self._entries.values():
            self._give_up(entry)
        await asyncio.gather(*self._closing)

    def _give_up(self, entry: _Entry) -> None:
        """Also one that is lost: its shims that wait, and what was prepared in them, are ours."""
        if entry.zygote:
            closing = asyncio.create_task(entry.zygote.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        entry.zygote, entry.done = None, set()
        entry.scripts, entry.compiled, entry.refused = set(), set(), {}

    async def _prepare(self, key: Key, entry: _Entry, request: ZygoteRequest) -> None:
        try:
            if entry.zygote is None:
                entry.zygote = await self._start(key.python, key.script_path)
            order = await self._order(key, entry, request)
            if order.neutral or order.imports or order.scripts:
                refused = await entry.zygote.preload(order)
                entry.done |= {*order.neutral, *order.imports}
                entry.refused |= refused
                for each, reason in refused.items():
                    _log.info("%s: %s is not preloaded: %s", key.python, each, reason)
            entry.problem = ""
        except (Rejected, Unavailable, OSError, TimeoutError) as error:
            self._give_up(entry)
            entry.problem, entry.retry_at = str(error), entry.used + _FAILED_FOR
            _log.warning("%s: its runs are new interpreters: %s", key.python, error)
        await self._make_room()

    async def _order(self, key: Key, entry: _Entry, request: ZygoteRequest) -> Preload:
        scripts: list[Script] = []
        if not entry.knows(request.script):
            entry.scripts.add(request.script)
            scripts = entry.new(await asyncio.to_thread(request.source))
        neutral, imports = entry.missing(request.neutral()), entry.missing(key.imports)
        return Preload(neutral, imports, scripts)

    async def _make_room(self) -> None:
        """Give up the idle ones that were not used for longest."""
        living = {p: t for p in self._entries.values() if (t := p.zygote) and not t.lost}
        memory = {entry: zygote.memory() for entry, zygote in living.items()}
        for entry in sorted(living, key=lambda each: each.used)[:-1]:
            if len(memory) <= self._max_zygotes and sum(memory.values()) <= self._max_bytes:
                break
            if living[entry].runs == 0 and not (entry.work and not entry.work.done()):
                del memory[entry]
                self._give_up(entry)
        self._entries = {key: each for key, each in self._entries.items() if each.is_of_use()}
        if self._closing:
            await asyncio.wait(self._closing)


def _at_odds(request: ZygoteRequest, preloaded: Preloaded) -> str:
    """Why what a zygote holds is not what a new interpreter would have of this run's."""
    for name in sorted(request.imports.names.intersection(preloaded.modules)):
        return f"{name} of the upload has the name of a module that is loaded"
    for name in sorted(request.variables.intersection(preloaded.variables)):
        return f"packages look at {name} when they are imported"
    for name in preloaded.files:
        file = request.code / name
        if file != request.script and os.path.lexists(file):  # that is looked at to quote it
            return f"packages look at {name} of the upload when they are imported"
    return ""
