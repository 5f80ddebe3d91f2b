"""Requirements in, environment out: resolved to a lock once, built from the lock once.

    <data>/locks/<digest of the requirements>.txt
    <environments>/<id>/      a virtual environment, whole or not there
    <environments>/.locks/    what removed ones consisted of (environment_store.py)
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
from libs.service.disk_reserve import DiskReserve
from libs.telemetry.status import Building
from services.packager import sdk
from services.packager.build_watch import Bounds, BuildWatch
from services.packager.environment import (
    Environment,
    check_size,
    digest,
    packages,
    platform_name,
    seal,
    site_packages,
)
from services.packager.environment_store import EnvironmentStore, Limits, excess
from services.packager.uv import Uv
from services.packager.walk import statuses
from services.packager.wheels import Wheels, inodes

BASE = Path(__file__).parent / "base.in"

_WORK_PREFIX = ".building-"


class BuildLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one build (`seconds` in all, `idle_seconds` without progress, bytes of one
    environment) and of what stays on disk."""

    seconds: float = 3600
    idle_seconds: float = 120
    environment_bytes: int = 4 << 30
    store: Limits = Limits()
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
        reserve: DiskReserve | None = None,
    ) -> None:
        """Of `environ` uv gets its own settings (UV_*), certificates and proxies.

        `user`: the uid to run it as, for a builder that is root; tasks must run as another.
        Raises Rejected if the file `base` is not one of requirements.
        """
        self._environments = environments.absolute()
        self._lock_folder = data / "locks"
        for folder in (self._environments, self._lock_folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._environments.chmod(0o755)
        self._store = EnvironmentStore(self._environments)
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
        self._mutexes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        bounds = Bounds(limits.seconds, limits.idle_seconds)
        self._watch = BuildWatch(bounds, reserve or DiskReserve(None, 0))

    async def build(self, requirements: list[str], name: str = "") -> Environment:
        """The environment that meets `requirements` (as `requirements.parse` gives them).

        Raises Rejected for what can't be met within the limits, Unavailable when it is worth
        trying again. `name` is whose it is, for `active_builds`.
        """
        async with self._watch.build(name):
            return await self._build(requirements)

    async def rebuild(self, id: str, lock: str) -> None:
        """Builds the environment `id` again from its lock; resolves nothing. Raises as `build`."""
        async with self._watch.build(""), self._mutex(id):
            if not self._store.use(id):
                await self._install(lock, id)

    def active_builds(self) -> list[Building]:
        """The builds that go on now, as the status shows them."""
        return self._watch.active_builds()

    async def stand_by(self) -> None:
        """Runs for ever and keeps a shell ready, so that builds begin a little sooner."""
        await self._uv.stand_by()

    async def prune(self, keep: set[str]) -> list[str]:
        """Removes the longest unused environments beyond the limits, but none of `keep`; returns
        the ids of the removed. Empties uv's cache when that is over its limit."""
        removed = await asyncio.to_thread(self._prune, keep)
        if await asyncio.to_thread(_unlinked_bytes, self._uv.cache) > self._limits.cache_bytes:
            # A build links to wheels that it has found in the cache, in several steps.
            async with self._watch.exclusive():
                await self._uv.clean_cache()
                await asyncio.to_thread(self._wheels.prune)
        return removed

    async def _build(self, requirements: list[str]) -> Environment:
        started = time.perf_counter()
        base = await self._base_lock()
        lock = await self._lock_for(requirements, base) if requirements else base
        resolved = time.perf_counter()
        key = self._key(lock)
        async with self._mutex(key):
            if not self._store.use(key):
                await self._install(lock, key)
        return Environment(
            key,
            digest(lock),
            self._environments / key / "bin" / "python",
            {"resolve": resolved - started, "install": time.perf_counter() - resolved},
        )

    async def _base_lock(self) -> str:
        try:
            return await self._lock_for([], "")
        except Rejected as error:  # the operator's list, not the user's
            raise Unavailable(f"the base environment: {error.message}") from error

    async def _lock_for(self, requirements: list[str], preferred: str) -> str:
        request_digest = digest(self._options, preferred, *self._base, "", *requirements)
        path = self._lock_folder / f"{request_digest}.txt"
        async with self._mutex(request_digest):
            if not path.exists():
                with self._work() as work:
                    _write_whole(path, await self._resolve(work, requirements, preferred))
        return path.read_text()

    async def _resolve(self, work: Path, requirements: list[str], preferred: str) -> str:
        try:
            return await self._uv.resolve(work, [*self._base, *requirements], preferred)
        except Rejected:
            if not requirements:
                raise
        return await self._resolve_around_base(work, requirements, preferred)

    async def _resolve_around_base(
        self, work: Path, requirements: list[str], preferred: str
    ) -> str:
        """For requirements that contradict the base. Takes each package of the base that fits the
        requirements and the packages before it; the requirements may name another version."""
        accepted, lock = requirements, await self._uv.resolve(work, requirements, preferred)
        for package in self._base:
            with suppress(Rejected):
                lock = await self._uv.resolve(work, [*accepted, package], preferred)
                accepted = [*accepted, package]
        return lock

    async def _install(self, lock: str, key: str) -> None:
        with self._work() as work:
            built, ready = await self._link(work, lock)
            (built / "lock.txt").write_text(lock)
            await asyncio.to_thread(sdk.install, built, self._uv.cache.parent)
            await self._finish(built, ready)
            await asyncio.to_thread(syscalls.sync_file_system, built)  # its name vouches for it
            try:
                built.rename(self._environments / key)
            except OSError:
                if not self._store.use(key):  # else another builder was first, with the same
                    raise

    async def _link(self, work: Path, lock: str) -> tuple[Path, dict[int, int]]:
        """An environment in `work`, and the wheels that were ready when it was linked to them."""
        ready = await asyncio.to_thread(self._wheels.ready)
        built = await self._uv.install(work, lock)
        if folders := await asyncio.to_thread(self._wheels.unready_folders, built, ready):
            await self._uv.compile_bytecode(folders)
            await asyncio.to_thread(self._wheels.mark_ready, folders)
            ready = await asyncio.to_thread(self._wheels.ready)
            built = await self._uv.install(work, lock)
        return built, ready

    async def _finish(self, built: Path, ready: Mapping[int, int]) -> None:
        """All of it compiled and sealed, as what comes of wheels that were ready is already."""
        sizes = [ready.get(inode) for inode in inodes(built)]
        if None in sizes:
            await self._uv.compile_bytecode([built / "lib"])
        size = await asyncio.to_thread(_seal_environment, built, sizes)
        check_size(size, self._limits.environment_bytes)

    def _key(self, lock: str) -> str:
        return digest(lock, self._options, sdk.version())[:32]

    def _mutex(self, name: str) -> asyncio.Lock:
        return self._mutexes.setdefault(name, asyncio.Lock())

    @contextmanager
    def _work(self) -> Iterator[Path]:
        """A folder whose name comes again: uv knows the interpreters of paths it has seen."""
        paths = (self._environments / f"{_WORK_PREFIX}{number}" for number in count())
        work = next(path for path in paths if _make_folder(path))
        try:
            work.chmod(0o755)
            self._uv.give(work)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _prune(self, keep: set[str]) -> list[str]:
        now = time.time()
        removable = [
            one.id for one in excess(self._store.environments(), keep, self._limits.store, now)
        ]
        for id in removable:
            self._store.remove(id, _WORK_PREFIX)
        # Left by builders that were killed; a living one is done with its folder by then.
        dead = now - 2 * self._limits.seconds
        for path in self._environments.glob(f"{_WORK_PREFIX}*"):
            with suppress(FileNotFoundError):  # another build's, which has just ended
                if path.stat().st_mtime < dead:
                    shutil.rmtree(path, ignore_errors=True)
        return removable


def _make_folder(folder: Path) -> bool:
    """False if it is there already: another build's, or one's that was killed."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _write_whole(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _seal_environment(built: Path, sizes: list[int | None]) -> int:
    """Seals what is not sealed yet; returns the environment's bytes. `sizes` are those of its
    wheels, None for one that was not ready."""
    ready = [size for size in sizes if size is not None]
    if len(ready) < len(sizes):
        return seal(built)
    return sum(ready) + seal(built, packages(site_packages(built)))


def _unlinked_bytes(cache: Path) -> int:
    """The bytes of the files that no environment links to."""
    return sum(status.st_size for status in statuses(cache) if status.st_nlink == 1)
