"""Requirements in, environment out: resolved to a lock once, built from the lock once.

    <data>/locks/<digest of what was asked>.txt
    <environments>/<id>/      a virtual environment, whole or not there
    <environments>/.locks/    what removed ones consisted of (shelf.py)
    <environments>/.uv/       uv's cache and home, and which wheels there are ready (wheels.py)

Every environment starts from the same base packages (base.in) in the same versions where that is
possible, so that they share files. Folders appear by rename: several builders may share them.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from libs.archive import requirements as requirements_txt
from libs.domain.errors import Rejected, Unavailable
from libs.linux import syscalls
from libs.service.room import Room
from libs.telemetry.status import Building
from services.packager import sdk
from services.packager.build_watch import Bounds, Watched
from services.packager.environment import (
    Environment,
    check_size,
    digest,
    packages,
    platform_name,
    seal,
    site_packages,
)
from services.packager.environment_store import Limits, Shelf, excess
from services.packager.uv import Uv
from services.packager.walk import statuses
from services.packager.wheels import Wheels, inodes

BASE = Path(__file__).parent / "base.in"

_WORK = ".building-"


class BuildLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on one build and on what is kept: `seconds` in all and without any progress, bytes
    installed."""

    seconds: float = 3600
    idle_seconds: float = 120
    environment_bytes: int = 4 << 30
    kept: Limits = Limits()
    cache_bytes: int = 8 << 30


DEFAULT_LIMITS = BuildLimits()


class Builder:
    """Builds environments below `environments`; `build` and `prune` may be called at any time."""

    def __init__(
        self,
        data: Path,
        environments: Path,
        environ: Mapping[str, str],
        *,
        base: Path = BASE,
        limits: BuildLimits = DEFAULT_LIMITS,
        user: int | None = None,
        wheels_only: bool = True,
        room: Room | None = None,
    ) -> None:
        """Of `environ` uv gets its own settings (UV_*), certificates and proxies.

        `user`: the uid to run it as, for a builder that is root; tasks must run as another.
        Raises Rejected if the file `base` is not one of requirements.
        """
        self._environments = environments.absolute()
        self._locks = data / "locks"
        for folder in (self._environments, self._locks):
            folder.mkdir(parents=True, exist_ok=True)
        self._environments.chmod(0o755)
        self._shelf = Shelf(self._environments)
        self._base = requirements_txt.parse(base.read_bytes())
        self._limits = limits
        self._options = f"{platform_name()} wheels_only={wheels_only}"
        self._uv = Uv(
            self._environments,
            environ,
            file_bytes=limits.environment_bytes,
            user=user,
            wheels_only=wheels_only,
        )
        self._wheels = Wheels(self._uv.cache, self._environments / ".uv" / "wheels")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        bounds = Bounds(limits.seconds, limits.idle_seconds)
        self._watched = Watched(bounds, room or Room(None, 0))

    async def build(self, requirements: list[str], name: str = "") -> Environment:
        """The environment that meets `requirements` (as `requirements.parse` gives them).

        Raises Rejected for what can't be met within the limits, Unavailable when it is worth
        trying again. `name` is whose it is, for `under_way`.
        """
        async with self._watched.build(name):
            return await self._build(requirements)

    async def rebuild(self, id: str, lock: str) -> None:
        """The environment `id` as it was, of its lock; nothing is resolved. Raises as `build`."""
        async with self._watched.build(""), self._turn(id):
            if not self._shelf.use(id):
                await self._install(lock, id)

    def under_way(self) -> list[Building]:
        """The builds that go on now."""
        return self._watched.under_way()

    async def stand_by(self) -> None:
        """For ever, and best while `build` may be called: builds begin a little sooner then."""
        await self._uv.stand_by()

    async def prune(self, keep: set[str]) -> list[str]:
        """Remove the longest unused beyond the limits, but none of `keep`: their ids."""
        removed = await asyncio.to_thread(self._prune, keep)
        if await asyncio.to_thread(_only_here, self._uv.cache) > self._limits.cache_bytes:
            # A build links to wheels that it has found in the cache, in several steps.
            async with self._watched.nothing():
                await self._uv.clean_cache()
                await asyncio.to_thread(self._wheels.forget)
        return removed

    async def _build(self, requirements: list[str]) -> Environment:
        started = time.perf_counter()
        base = await self._base_lock()
        lock = await self._kept_lock(requirements, base) if requirements else base
        resolved = time.perf_counter()
        key = self._key(lock)
        async with self._turn(key):
            if not self._shelf.use(key):
                await self._install(lock, key)
        return Environment(
            key,
            digest(lock),
            self._environments / key / "bin" / "python",
            {"resolve": resolved - started, "install": time.perf_counter() - resolved},
        )

    async def _base_lock(self) -> str:
        try:
            return await self._kept_lock([], "")
        except Rejected as error:  # the operator's list, not the user's
            raise Unavailable(f"the base environment: {error.message}") from error

    async def _kept_lock(self, requirements: list[str], preferred: str) -> str:
        asked = digest(self._options, preferred, *self._base, "", *requirements)
        kept = self._locks / f"{asked}.txt"
        async with self._turn(asked):
            if not kept.exists():
                with self._work() as work:
                    _keep(kept, await self._resolve(work, requirements, preferred))
        return kept.read_text()

    async def _resolve(self, work: Path, requirements: list[str], preferred: str) -> str:
        try:
            return await self._uv.resolve(work, [*self._base, *requirements], preferred)
        except Rejected:
            if not requirements:
                raise
        return await self._fitted(work, requirements, preferred)

    async def _fitted(self, work: Path, requirements: list[str], preferred: str) -> str:
        """They contradict the base: with each of its packages that goes together with them and
        with those before it. Another version of one may be there, as they say themselves."""
        asked, lock = requirements, await self._uv.resolve(work, requirements, preferred)
        for package in self._base:
            with suppress(Rejected):
                lock = await self._uv.resolve(work, [*asked, package], preferred)
                asked = [*asked, package]
        return lock

    async def _install(self, lock: str, key: str) -> None:
        with self._work() as work:
            built, ready = await self._linked(work, lock)
            (built / "lock.txt").write_text(lock)
            await asyncio.to_thread(sdk.put_into, built, self._uv.cache.parent)
            await self._finish(built, ready)
            await asyncio.to_thread(syscalls.sync_file_system, built)  # its name vouches for it
            try:
                built.rename(self._environments / key)
            except OSError:
                if not self._shelf.use(key):  # else another builder was first, with the same
                    raise

    async def _linked(self, work: Path, lock: str) -> tuple[Path, dict[int, int]]:
        """An environment in `work`, and the wheels that were ready when it was linked to them."""
        ready = await asyncio.to_thread(self._wheels.ready)
        built = await self._uv.install(work, lock)
        if folders := await asyncio.to_thread(self._wheels.unpacked, built, ready):
            await self._uv.compile_bytecode(folders)
            await asyncio.to_thread(self._wheels.keep, folders)
            ready = await asyncio.to_thread(self._wheels.ready)
            built = await self._uv.install(work, lock)
        return built, ready

    async def _finish(self, built: Path, ready: Mapping[int, int]) -> None:
        """All of it compiled and sealed, as what comes of wheels that were ready is already."""
        sizes = [ready.get(inode) for inode in inodes(built)]
        if None in sizes:
            await self._uv.compile_bytecode([built / "lib"])
        size = await asyncio.to_thread(_sealed, built, sizes)
        check_size(size, self._limits.environment_bytes)

    def _key(self, lock: str) -> str:
        return digest(lock, self._options, sdk.version())[:32]

    def _turn(self, name: str) -> asyncio.Lock:
        return self._turns.setdefault(name, asyncio.Lock())

    @contextmanager
    def _work(self) -> Iterator[Path]:
        """A folder whose name comes again: uv knows the interpreters of paths it has seen."""
        places = (self._environments / f"{_WORK}{number}" for number in count())
        work = next(path for path in places if _made(path))
        try:
            work.chmod(0o755)
            self._uv.give(work)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _prune(self, keep: set[str]) -> list[str]:
        now = time.time()
        removable = [one.id for one in excess(self._shelf.kept(), keep, self._limits.kept, now)]
        for id in removable:
            self._shelf.remove(id, _WORK)
        # Left by builders that were killed; a living one is done with its folder by then.
        dead = now - 2 * self._limits.seconds
        for path in self._environments.glob(f"{_WORK}*"):
            with suppress(FileNotFoundError):  # another build's, which has just ended
                if path.stat().st_mtime < dead:
                    shutil.rmtree(path, ignore_errors=True)
        return removable


def _made(folder: Path) -> bool:
    """False if it is there already: another build's, or one's that was killed."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _keep(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _sealed(built: Path, sizes: list[int | None]) -> int:
    """Its bytes. `sizes` are those of its wheels, none for one that was not ready."""
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return seal(built)
    return sum(known) + seal(built, packages(site_packages(built)))


def _only_here(cache: Path) -> int:
    """Bytes of the files that no environment links to."""
    return sum(status.st_size for status in statuses(cache) if status.st_nlink == 1)
