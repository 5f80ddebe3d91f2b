"""The one door to what exists for speed alone: runs as forks of warm interpreters.

Behind it are the zygotes and their pool, what scripts import, forks made before anybody asks for
one, and shims and homes that serve again. Without it each run would be a new interpreter, and
nothing else would change.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple

from libs.domain.errors import Unavailable
from services.executor.local import process_spec
from services.executor.local.child import mounts
from services.executor.local.home import RunFolder
from services.executor.local.process import LocalProcess
from services.executor.local.protocol import Capabilities
from services.executor.local.zygote import script_imports
from services.executor.local.zygote_client import ZygoteClient
from services.executor.local.zygote_pool import Start, ZygotePool, ZygoteRequest
from services.executor.resolved_spec import ResolvedSpec

_MAX_REMEMBERED = 1000


class Fork(NamedTuple):
    """A process that waits to become a run."""

    process: LocalProcess
    inside: RunFolder  # its folder by the names that its zygote has for it
    own_imports: str  # as in RunFinished
    zygote: ZygoteClient

    @property
    def lost(self) -> bool:
        """Whether its zygote has ended, and so will it."""
        return self.zygote.lost


class Forks:
    """Of at most `most` zygotes with `most_bytes` in memory; `start` makes one."""

    def __init__(self, start: Start, most: int, most_bytes: int) -> None:
        self._pool = ZygotePool(start, most, most_bytes)
        self._imports: dict[tuple[Path, str], script_imports.ScriptImports] = {}

    async def take(self, spec: ResolvedSpec, machine: Capabilities) -> Fork | str:
        """One for this run; or why it is a new interpreter. Raises as Backend.prepare."""
        if reason := process_spec.exec_reason(spec) or machine.no_zygotes:
            return reason
        request = await self._request(spec, machine)
        zygote = self._pool.find(request)
        if isinstance(zygote, str):
            return zygote
        return await self._forked(zygote, spec, self._pool.own_imports(request))

    async def replace(self, fork: Fork, spec: ResolvedSpec, problem: str) -> Fork | str | None:
        """Another one, or a reason as in `take`, for a fork that could not be started for this
        `problem`. None if code of the user's may have begun.
        """
        if fork.lost:
            return problem
        unstarted = fork.process.state.died_before_start
        return await self._forked(fork.zygote, spec, fork.own_imports) if unstarted else None

    async def prefetch(self, spec: ResolvedSpec, machine: Capabilities) -> str:
        """Return when a run like this one would be forked, or with the reason why it never is."""
        if reason := process_spec.exec_reason(spec) or machine.no_zygotes:
            return reason
        zygote = await self._pool.warm(await self._request(spec, machine))
        return zygote if isinstance(zygote, str) else ""

    async def close(self) -> None:
        """End all of them, and the runs that they have."""
        await self._pool.close()

    async def _forked(
        self, zygote: ZygoteClient, spec: ResolvedSpec, own_imports: str
    ) -> Fork | str:
        try:
            process, inside = await zygote.take(spec.limits)
        except Unavailable as problem:
            if not zygote.lost:
                raise
            return str(problem)

        def ended(_: LocalProcess) -> None:
            zygote.runs -= 1

        zygote.runs += 1
        process.on_end(ended)
        zygote.replenish()
        return Fork(process, inside, own_imports, zygote)

    async def _request(self, spec: ResolvedSpec, machine: Capabilities) -> ZygoteRequest:
        """Where runs have mounts of their own, each finds its script at the same path."""
        path = "" if machine.no_namespaces else f"{mounts.HOME}/{spec.entrypoint}"
        imports, variables = await self._script_imports(spec), process_spec.own_variables(spec)
        script = spec.tree / spec.entrypoint
        return ZygoteRequest(spec.python, imports, spec.tree, script, path, variables)

    async def _script_imports(self, spec: ResolvedSpec) -> script_imports.ScriptImports:
        key = spec.tree, spec.entrypoint
        if key not in self._imports:
            if len(self._imports) >= _MAX_REMEMBERED:
                self._imports.clear()
            script = spec.tree / spec.entrypoint
            self._imports[key] = await asyncio.to_thread(script_imports.find, spec.tree, script)
        return self._imports[key]
