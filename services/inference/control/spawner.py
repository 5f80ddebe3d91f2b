"""Forks processes for deployments and uploads, with their files and a uid, and watches them."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from libs.domain.errors import Unavailable
from services.inference import plan
from services.inference.control.child import Child
from services.inference.control.model_cache import ModelCache
from services.inference.control.slots import Slots
from services.inference.control.spare import Spare, listening
from services.inference.control.step_guards import NewStep, StepGuard, StepGuards
from services.inference.memory import probe_words, replica_words

_MAX_FOLDER_BYTES = 60  # so that a name has room in the 107 of a socket's path (unix(7))

StoredFile = tuple[str, str]  # of a file: its SHA-256 and its key in the blob store
_WATCH_SECONDS, _IDLE_SECONDS = 0.1, 1.0  # between looks at those that are bounded


class Spawner:
    """`sockets` is a folder that only we can enter."""

    def __init__(
        self, spare: Spare, cache: ModelCache, slots: Slots, sockets: Path, guards: StepGuards
    ) -> None:
        self._spare = spare
        self._cache = cache
        self._slots = slots
        self._sockets = sockets
        self._guards = guards
        self._bounds: dict[Child, tuple[plan.Kind, int]] = {}

    async def probe(self, file: StoredFile, memory: int, steps: Sequence[NewStep] = ()) -> Child:
        """Raises Rejected, Unavailable."""
        return await self._fork("probe", file[0][:8], [file], steps, memory, [])

    async def replica(
        self,
        id: str,
        files: Sequence[StoredFile],
        memory: int | None,
        steps: Sequence[NewStep] = (),
    ) -> tuple[Child, str]:
        """And the path of its socket. `steps` are those that run in environments. Raises Rejected,
        Unavailable."""
        path = self._sockets / id
        try:
            with listening(str(path)) as listener:
                given = [listener.fileno()]
                child = await self._fork("replica", id[:8], files, steps, memory, given)
        except BaseException as problem:
            path.unlink(missing_ok=True)
            if isinstance(problem, OSError):
                raise Unavailable(f"a replica gets no socket: {problem.strerror}") from problem
            raise
        child.then(lambda: path.unlink(missing_ok=True))
        return child, str(path)

    async def watch(self) -> None:
        """For ever: ends those that have more memory than they may."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS if self._bounds else _IDLE_SECONDS)
            for child, (kind, most) in list(self._bounds.items()):
                if (has := child.resident()) > most:
                    words = replica_words(has, most) if kind == "replica" else probe_words(most)
                    child.kill("out_of_memory", words)

    async def _fork(
        self,
        kind: plan.Kind,
        name: str,
        files: Sequence[StoredFile],
        steps: Sequence[NewStep],
        memory: int | None,
        given: list[int],
    ) -> Child:
        opened: list[int] = []
        guards: list[StepGuard] = []
        uid = None
        try:
            for sha, blob in files:
                opened.append(await self._cache.open(sha, blob))
            await self._spare.ready()
            for step in steps:
                channel, guard = await self._guard(name, step, memory)
                opened.append(channel)
                guards.append(guard)
            uid = self._slots.take() if self._spare.own_uids else None
            order = plan.Order(kind, name, uid, memory, len(steps))
            child = await self._spare.fork(order, [*given, *opened])
        except BaseException:
            self._slots.give_back(uid)
            for guard in guards:
                guard.end()
            raise
        finally:
            for each in opened:
                os.close(each)
        child.then(lambda: self._slots.give_back(uid))
        child.guarded(guards)
        if memory is not None:
            self._bounds[child] = kind, memory
            child.then(lambda: self._bounds.pop(child, None))
        return child

    async def _guard(self, name: str, step: NewStep, memory: int | None) -> tuple[int, StepGuard]:
        """With a descriptor of its channel."""
        file = await self._cache.open(*step.file)
        try:
            channel, guard = await self._guards.start(name, step, file, memory)
        finally:
            os.close(file)
        return channel.detach(), guard


def socket_folder(data: Path) -> Path:
    """An empty one that only we can enter; in `data`, or where the path would be too long, among
    the system's temporary ones."""
    folder = data / "replicas"
    if len(os.fsencode(folder)) > _MAX_FOLDER_BYTES:
        return Path(tempfile.mkdtemp(prefix="rondo-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
